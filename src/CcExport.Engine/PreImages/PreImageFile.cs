using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using CcExport.Engine.Store;
using Snappier;

namespace CcExport.Engine.PreImages;

/// <summary>What the records of a piece are.</summary>
internal enum PieceKind : byte
{
    /// <summary>Contacts of the run: <see cref="SentRecord"/>.</summary>
    Sent = 1,
    /// <summary>What contacts were before: <see cref="OldRecord"/>.</summary>
    Old = 2,
    /// <summary>Nothing follows: a file that was cut lacks it.</summary>
    End = 3,
}

/// <summary>
/// What the contacts of a run were before it, on disk: records in pieces of some 256 KB, each compressed (Snappy) and then encrypted (AES-256-GCM) under the file's own key, with
/// the run, the piece's number, kind and length as associated data. Written once; without its key, which is kept wrapped by the key ring, nobody can read it.
/// </summary>
internal static class PreImageFile
{
    public const int NonceSize = 12, TagSize = 16, HeadSize = 9 + NonceSize + TagSize;
    public static ReadOnlySpan<byte> Magic => "CCP1"u8;

    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(32);

    /// <summary>A name that was not used before, with the run's number in it.</summary>
    public static string NewName(long runId) => string.Create(CultureInfo.InvariantCulture, $"{runId}-{Guid.NewGuid():N}");

    public static string PathOf(CcHome home, string name) => Path.Combine(home.PreImageFolder, name + ".bin");

    /// <summary>Removes a file. One that cannot be removed now is unreadable anyway once its key is gone.</summary>
    public static void Remove(CcHome home, string? name)
    {
        if (name is null) return;
        try
        {
            File.Delete(PathOf(home, name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without its key what is left is noise.
        }
    }

    public static void Associate(Span<byte> to, long runId, int piece, PieceKind kind, int length)
    {
        BinaryPrimitives.WriteInt64LittleEndian(to, runId);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], piece);
        to[12] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(to[13..], length);
    }

    public const int AssociatedSize = 17;

    public static CcException Damaged(Exception? cause) => new("PreImageDamaged", CcErrorKind.Storage, "What the contacts were before the run cannot be read any more: the file is gone or was changed.",
        "The run cannot be undone. Export a correct segment instead, or correct the list in Constant Contact.", cause);
}

/// <summary>Writes one. The file is gone again when it is disposed of without <see cref="Complete"/>.</summary>
internal sealed class PreImageWriter : IDisposable
{
    private const int PieceSize = 256 * 1024;

    private readonly CcHome _home;
    private readonly string _name;
    private readonly long _runId;
    private readonly AesGcm _aes;
    private readonly FileStream _file;
    private readonly ArrayBufferWriter<byte> _piece = new(PieceSize + 4096);
    // One for all pieces: a million contacts have two hundred, each too large for the small heap.
    private byte[] _packed = [];
    private PieceKind _kind = PieceKind.Sent;
    private int _pieces;
    private bool _complete;

    public PreImageWriter(CcHome home, string name, long runId, byte[] key)
    {
        (_home, _name, _runId) = (home, name, runId);
        try
        {
            CcHome.CreateFolder(home.PreImageFolder);
            _file = CcHome.CreateFile(PreImageFile.PathOf(home, name), FileMode.CreateNew, FileAccess.Write, FileShare.None);
            _file.Write(PreImageFile.Magic);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
        _aes = new AesGcm(key, PreImageFile.TagSize);
    }

    /// <summary>Where a record goes that is written right after; records are not split.</summary>
    public IBufferWriter<byte> Begin(PieceKind kind)
    {
        if (kind != _kind || _piece.WrittenCount >= PieceSize) Seal();
        _kind = kind;
        return _piece;
    }

    /// <summary>The place to which <see cref="Rewind"/> goes back.</summary>
    public (long Length, int Pieces) Mark()
    {
        Seal();
        return (_file.Position, _pieces);
    }

    /// <summary>What was written since counts for nothing.</summary>
    public void Rewind((long Length, int Pieces) mark)
    {
        _piece.ResetWrittenCount();
        _file.SetLength(mark.Length);
        _file.Position = mark.Length;
        _pieces = mark.Pieces;
    }

    /// <summary>The file is whole, and on the disk.</summary>
    public void Complete()
    {
        Seal();
        _kind = PieceKind.End;
        Write([]);
        try
        {
            _file.Flush(flushToDisk: true);
        }
        catch (IOException e)
        {
            throw _home.NotWritable(e);
        }
        Durable.FlushDirectory(_home.PreImageFolder);
        _complete = true;
    }

    private void Seal()
    {
        if (_piece.WrittenCount == 0) return;
        Write(_piece.WrittenSpan);
        _piece.ResetWrittenCount();
    }

    private void Write(ReadOnlySpan<byte> plain)
    {
        int most = Snappy.GetMaxCompressedLength(plain.Length);
        if (_packed.Length < most) _packed = new byte[most];
        Span<byte> text = _packed.AsSpan(0, Snappy.Compress(plain, _packed)), head = stackalloc byte[PreImageFile.HeadSize], associated = stackalloc byte[PreImageFile.AssociatedSize];
        head[0] = (byte)_kind;
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], plain.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[5..], text.Length);
        Span<byte> nonce = head.Slice(9, PreImageFile.NonceSize);
        RandomNumberGenerator.Fill(nonce);
        PreImageFile.Associate(associated, _runId, _pieces++, _kind, plain.Length);
        _aes.Encrypt(nonce, text, text, head[(9 + PreImageFile.NonceSize)..], associated);
        try
        {
            _file.Write(head);
            _file.Write(text);
        }
        catch (IOException e)
        {
            throw _home.NotWritable(e);
        }
    }

    public void Dispose()
    {
        _aes.Dispose();
        _file.Dispose();
        if (!_complete) PreImageFile.Remove(_home, _name);
    }
}

/// <summary>Reads one, piece by piece. <c>PreImageDamaged</c> when it is gone, cut or changed.</summary>
internal sealed class PreImageReader : IDisposable
{
    private readonly long _runId;
    private readonly AesGcm _aes;
    private readonly FileStream _file;
    private int _pieces;

    public PreImageReader(CcHome home, string name, long runId, byte[] key)
    {
        _runId = runId;
        try
        {
            _file = CcHome.CreateFile(PreImageFile.PathOf(home, name), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, options: FileOptions.SequentialScan);
            Span<byte> magic = stackalloc byte[4];
            _file.ReadExactly(magic);
            if (!magic.SequenceEqual(PreImageFile.Magic)) throw PreImageFile.Damaged(null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _file?.Dispose();
            throw PreImageFile.Damaged(e);
        }
        _aes = new AesGcm(key, PreImageFile.TagSize);
    }

    /// <summary>The next piece; null at the end.</summary>
    public (PieceKind Kind, byte[] Records)? Next()
    {
        try
        {
            Span<byte> head = stackalloc byte[PreImageFile.HeadSize], associated = stackalloc byte[PreImageFile.AssociatedSize];
            _file.ReadExactly(head);
            var kind = (PieceKind)head[0];
            int length = BinaryPrimitives.ReadInt32LittleEndian(head[1..]), stored = BinaryPrimitives.ReadInt32LittleEndian(head[5..]);
            if (length < 0 || stored < 0 || stored > _file.Length) throw PreImageFile.Damaged(null);
            byte[] text = new byte[stored];
            _file.ReadExactly(text);
            PreImageFile.Associate(associated, _runId, _pieces++, kind, length);
            _aes.Decrypt(head.Slice(9, PreImageFile.NonceSize), text, head[(9 + PreImageFile.NonceSize)..], text, associated);
            if (kind == PieceKind.End) return null;
            byte[] records = new byte[length];
            return Snappy.TryDecompress(text, records, out int whole) && whole == length ? (kind, records) : throw PreImageFile.Damaged(null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or InvalidDataException)
        {
            throw PreImageFile.Damaged(e);
        }
    }

    public void Dispose()
    {
        _aes?.Dispose();
        _file.Dispose();
    }
}
