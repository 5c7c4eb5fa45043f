using System.Buffers.Binary;
using System.Security.Cryptography;
using CcExport.Engine.Store;

namespace CcExport.Engine.Upload;

/// <summary>
/// The sealed batches of one run on disk. Each is one file of two sections, body and origins, each encrypted (AES-256-GCM) under the
/// run's own key with run, batch, section and length as associated data: a file that was changed, cut or put in another's place is
/// noticed. A batch is flushed, and its folder too, before <see cref="WriteAsync"/> completes.
/// Destroying the run's key erases the spool, whatever the disk keeps.
/// </summary>
internal sealed class Spool : ISpool
{
    private const int NonceSize = 12, TagSize = 16, SectionHead = 4 + NonceSize + TagSize;
    private static ReadOnlySpan<byte> Magic => "CCB2"u8;

    private readonly string _folder;
    private readonly long _runId;
    private readonly byte[] _key;
    private bool _made;

    public Spool(string folder, long runId, ReadOnlySpan<byte> key)
    {
        _folder = folder;
        _runId = runId;
        _key = key.ToArray();
    }

    /// <summary>A new key for a run.</summary>
    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(32);

    /// <summary>The folder of a run's spool below the home's.</summary>
    public static string FolderOf(string spools, long runId) => Path.Combine(spools, runId.ToString("D8", System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Encrypts both sections where they lie and writes them; the memory holds cipher text afterwards.</summary>
    public Task WriteAsync(int batch, Memory<byte> body, Memory<byte> origins, CancellationToken ct) => WriteFileAsync(batch, PathOf(batch), body, origins, ct);

    /// <summary>The file is the old or the new one, whatever happens.</summary>
    public async Task ReplaceAsync(int batch, Memory<byte> body, Memory<byte> origins, CancellationToken ct)
    {
        string fresh = PathOf(batch) + ".new";
        await WriteFileAsync(batch, fresh, body, origins, ct).ConfigureAwait(false);
        try
        {
            File.Move(fresh, PathOf(batch), overwrite: true);
            Durable.FlushDirectory(_folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(e);
        }
    }

    private async Task WriteFileAsync(int batch, string path, Memory<byte> body, Memory<byte> origins, CancellationToken ct)
    {
        byte[] head = new byte[Magic.Length + (2 * SectionHead)];
        Magic.CopyTo(head);
        Encrypt(batch, 0, body.Span, head.AsSpan(Magic.Length, SectionHead));
        Encrypt(batch, 1, origins.Span, head.AsSpan(Magic.Length + SectionHead, SectionHead));
        try
        {
            if (!_made) CcHome.CreateFolder(_folder);
            _made = true;
            FileStream file = CcHome.CreateFile(path, FileMode.Create, FileAccess.Write, FileShare.None);
            await using (file.ConfigureAwait(false))
            {
                await file.WriteAsync(head, ct).ConfigureAwait(false);
                await file.WriteAsync(body, ct).ConfigureAwait(false);
                await file.WriteAsync(origins, ct).ConfigureAwait(false);
                file.Flush(flushToDisk: true);
            }
            Durable.FlushDirectory(_folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(e);
        }
    }

    /// <summary>Reads a batch's body into an array of <see cref="BatchMemory"/>, which the caller gives back.</summary>
    public Task<(byte[] Rented, int Length)> ReadBodyAsync(int batch, CancellationToken ct) => ReadAsync(batch, 0, ct);

    /// <summary>Reads where a batch's rows came from, in the same way.</summary>
    public Task<(byte[] Rented, int Length)> ReadOriginBytesAsync(int batch, CancellationToken ct) => ReadAsync(batch, 1, ct);

    /// <summary>Removes a batch that is not to be sent. What cannot be removed now goes with the whole spool.</summary>
    public void Remove(int batch)
    {
        try
        {
            File.Delete(PathOf(batch));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No record names it any more.
        }
    }

    private async Task<(byte[] Rented, int Length)> ReadAsync(int batch, int section, CancellationToken ct)
    {
        byte[]? rented = null;
        try
        {
            FileStream file = new(PathOf(batch), new FileStreamOptions { BufferSize = 0, Options = FileOptions.SequentialScan });
            await using (file.ConfigureAwait(false))
            {
                byte[] head = new byte[Magic.Length + (2 * SectionHead)];
                await file.ReadExactlyAsync(head, ct).ConfigureAwait(false);
                if (!head.AsSpan(0, Magic.Length).SequenceEqual(Magic)) throw Damaged(batch, null);
                int bodyLength = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(Magic.Length));
                int length = section == 0 ? bodyLength : BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(Magic.Length + SectionHead));
                long start = head.Length + (section == 0 ? 0L : bodyLength);
                // Lengths come from a file that may be damaged: they are believed only as far as the file reaches.
                if (length < 0 || bodyLength < 0 || start + length > file.Length) throw Damaged(batch, null);
                rented = BatchMemory.Pool.Rent(Math.Max(1, length));
                file.Position = start;
                await file.ReadExactlyAsync(rented.AsMemory(0, length), ct).ConfigureAwait(false);
                Decrypt(batch, section, rented.AsSpan(0, length), head.AsSpan(Magic.Length + (section * SectionHead), SectionHead));
                (byte[] result, rented) = (rented, null);
                return (result, length);
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or EndOfStreamException or CryptographicException)
        {
            throw Damaged(batch, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Held by another program, or too many files open: the batch is not lost for that.
            throw new CcException("SpoolUnreadable", CcErrorKind.Storage, $"Batch {batch} in the spool of run {_runId} cannot be read just now: {e.Message}",
                "Mend its cause (a program that holds the file, rights, too many open files).", e)
            { Subject = _folder };
        }
        finally
        {
            if (rented is not null) BatchMemory.Pool.Return(rented);
        }
    }

    private void Encrypt(int batch, int section, Span<byte> text, Span<byte> head)
    {
        BinaryPrimitives.WriteInt32LittleEndian(head, text.Length);
        Span<byte> nonce = head.Slice(4, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using AesGcm cipher = Cipher();
        cipher.Encrypt(nonce, text, text, head.Slice(4 + NonceSize, TagSize), Associated(batch, section, text.Length));
    }

    private void Decrypt(int batch, int section, Span<byte> text, ReadOnlySpan<byte> head)
    {
        using AesGcm cipher = Cipher();
        cipher.Decrypt(head.Slice(4, NonceSize), text, head.Slice(4 + NonceSize, TagSize), text, Associated(batch, section, text.Length));
    }

    /// <summary>One for each use: the type keeps a state that parallel sends would spoil for each other.</summary>
    private AesGcm Cipher() => new(_key, TagSize);

    private byte[] Associated(int batch, int section, int length)
    {
        byte[] data = new byte[20];
        BinaryPrimitives.WriteInt64LittleEndian(data, _runId);
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(8), batch);
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(12), section);
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(16), length);
        return data;
    }

    private string PathOf(int batch) => Path.Combine(_folder, batch.ToString("D5", System.Globalization.CultureInfo.InvariantCulture) + ".batch");

    private CcException NotWritable(Exception e) => new("SpoolNotWritable", CcErrorKind.Storage, $"A batch could not be written to the spool: {e.Message}",
        "Make room on the disk, or point CCEXPORT_HOME to a folder with room. Nothing of this run was sent.", e)
    { Subject = _folder };

    private CcException Damaged(int batch, Exception? inner) => new("SpoolDamaged", CcErrorKind.Storage,
        $"Batch {batch} in the spool of run {_runId} cannot be read: its file is missing, or was changed or cut since it was sealed.",
        "What was sent before stays recorded. Run the export again to send the rest.", inner)
    { Subject = _folder };

    /// <summary>Removes a run's files. Those that cannot be removed now are unreadable anyway once the key is gone.</summary>
    public static void Remove(string folder)
    {
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without its key what is left is noise.
        }
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_key);
}
