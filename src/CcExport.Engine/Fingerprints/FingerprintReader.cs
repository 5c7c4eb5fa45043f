using System.Buffers.Binary;
using System.Security.Cryptography;
using CcExport.Engine.Store;

namespace CcExport.Engine.Fingerprints;

/// <summary>Reads a file of fingerprints one by one, in the order of their addresses. <c>FingerprintsDamaged</c> when it is gone, cut or changed.</summary>
internal sealed class FingerprintReader : IDisposable
{
    private readonly string _name;
    private readonly AesGcm _aes;
    private readonly FileStream _file;
    private readonly byte[] _piece;
    private readonly bool _former;
    private readonly int _pieceRecords;
    private long _before;
    private int _held, _at, _pieces;

    public FingerprintReader(CcHome home, string name, byte[] key)
    {
        _name = name;
        FileStream? file = null;
        try
        {
            file = CcHome.CreateFile(FingerprintFile.PathOf(home, name), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, options: FileOptions.SequentialScan);
            Span<byte> start = stackalloc byte[FingerprintFile.HeadSize];
            file.ReadExactly(start);
            Count = BinaryPrimitives.ReadInt64LittleEndian(start[4..]);
            _former = start[..4].SequenceEqual(FingerprintFile.FormerMagic);
            if ((!_former && !start[..4].SequenceEqual(FingerprintFile.Magic)) || Count < 0 || Count > file.Length / Fingerprint.Size) throw FingerprintFile.Damaged(null);
            _aes = new AesGcm(key, FingerprintFile.TagSize);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException or CryptographicException) throw FingerprintFile.Damaged(e);
            throw;
        }
        _file = file;
        _pieceRecords = _former ? FingerprintFile.FormerPieceRecords : FingerprintFile.PieceRecords;
        _piece = new byte[FingerprintFile.NonceSize + FingerprintFile.TagSize + (_pieceRecords * Fingerprint.Size)];
        // One without records has a piece too, which says so.
        if (Count > 0 || !_former) Fill();
    }

    /// <summary>Records of the whole file.</summary>
    public long Count { get; }

    /// <summary>There is a record at hand.</summary>
    public bool Has => _at < _held;

    public Fingerprint Current
    {
        get
        {
            ReadOnlySpan<byte> from = _piece.AsSpan(FingerprintFile.NonceSize + FingerprintFile.TagSize + (_at * Fingerprint.Size));
            return new Fingerprint(BinaryPrimitives.ReadUInt128LittleEndian(from), BinaryPrimitives.ReadUInt64LittleEndian(from[16..]));
        }
    }

    /// <summary>Goes to the next one.</summary>
    public void Next()
    {
        if (++_at == _held && _before + _held < Count) Fill();
    }

    private void Fill()
    {
        _before += _held;
        _held = (int)Math.Min(_pieceRecords, Count - _before);
        _at = 0;
        Span<byte> whole = _piece.AsSpan(0, FingerprintFile.NonceSize + FingerprintFile.TagSize + (_held * Fingerprint.Size)), text = whole[(FingerprintFile.NonceSize + FingerprintFile.TagSize)..];
        int count = _former || _before + _held == Count ? checked((int)Count) : -1;
        try
        {
            _file.ReadExactly(whole);
            _aes.Decrypt(whole[..FingerprintFile.NonceSize], text, whole.Slice(FingerprintFile.NonceSize, FingerprintFile.TagSize), text, FingerprintFile.Associated(_name, _pieces++, count));
        }
        catch (Exception e) when (e is IOException or CryptographicException)
        {
            throw FingerprintFile.Damaged(e);
        }
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_piece);
        _aes.Dispose();
        _file.Dispose();
    }
}
