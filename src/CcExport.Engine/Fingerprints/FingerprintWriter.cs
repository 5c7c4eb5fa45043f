using System.Buffers.Binary;
using System.Security.Cryptography;
using CcExport.Engine.Store;

namespace CcExport.Engine.Fingerprints;

/// <summary>Writes a file of fingerprints one by one, so that they need not lie in memory. The file is gone again when this is disposed of without <see cref="Complete"/>.</summary>
internal sealed class FingerprintWriter : IDisposable
{
    private readonly CcHome _home;
    private readonly string _name = Guid.NewGuid().ToString("N");
    private readonly AesGcm _aes;
    private readonly FileStream _file;
    private readonly byte[] _piece = new byte[FingerprintFile.PieceRecords * Fingerprint.Size];
    private readonly byte[] _head = new byte[FingerprintFile.NonceSize + FingerprintFile.TagSize];
    private int _held, _pieces;
    private bool _complete;

    public FingerprintWriter(CcHome home, byte[] key)
    {
        _home = home;
        try
        {
            CcHome.CreateFolder(home.FingerprintFolder);
            _file = CcHome.CreateFile(FingerprintFile.PathOf(home, _name), FileMode.CreateNew, FileAccess.Write, FileShare.None);
            _file.Write(stackalloc byte[FingerprintFile.HeadSize]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
        _aes = new AesGcm(key, FingerprintFile.TagSize);
    }

    public int Count { get; private set; }

    /// <summary>In the order of their addresses, each once.</summary>
    public void Add(Fingerprint one)
    {
        // Only with the next record it is known that a piece is not the last one.
        if (_held == FingerprintFile.PieceRecords) Seal(-1);
        Span<byte> to = _piece.AsSpan(_held++ * Fingerprint.Size);
        BinaryPrimitives.WriteUInt128LittleEndian(to, one.Address);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], one.Value);
        Count = checked(Count + 1);
    }

    /// <summary>The file's name. It is whole and on the disk.</summary>
    public string Complete()
    {
        Seal(Count);
        try
        {
            Span<byte> start = stackalloc byte[FingerprintFile.HeadSize];
            FingerprintFile.Magic.CopyTo(start);
            BinaryPrimitives.WriteInt64LittleEndian(start[4..], Count);
            _file.Position = 0;
            _file.Write(start);
            _file.Flush(flushToDisk: true);
        }
        catch (IOException e)
        {
            throw _home.NotWritable(e);
        }
        Durable.FlushDirectory(_home.FingerprintFolder);
        _complete = true;
        return _name;
    }

    private void Seal(int count)
    {
        Span<byte> text = _piece.AsSpan(0, _held * Fingerprint.Size), nonce = _head.AsSpan(0, FingerprintFile.NonceSize);
        RandomNumberGenerator.Fill(nonce);
        _aes.Encrypt(nonce, text, text, _head.AsSpan(FingerprintFile.NonceSize), FingerprintFile.Associated(_name, _pieces++, count));
        try
        {
            _file.Write(_head);
            _file.Write(text);
        }
        catch (IOException e)
        {
            throw _home.NotWritable(e);
        }
        _held = 0;
    }

    public void Dispose()
    {
        _aes.Dispose();
        _file.Dispose();
        if (!_complete) FingerprintFile.Remove(_home, _name);
    }
}
