using System.Security.Cryptography;
using CcExport.Engine.Store;

namespace CcExport.Engine.Fingerprints;

/// <summary>Writes a run's trace beside its place and moves it there when it is whole. The file is made with the first record.</summary>
/// <param name="wrap">Wraps the file's key by the ring.</param>
internal sealed class TraceWriter(CcHome home, long run, TracePart part, Func<byte[], byte[]> wrap) : IDisposable
{
    private byte[] _piece = [];
    private FileStream? _file;
    private AesGcm? _aes;
    private int _count, _number;
    private bool _complete;

    private string Path => TraceFile.PathOf(home, run, part);

    public void Add(in TraceRecord record)
    {
        if (_file is null) Open();
        record.Put(_piece.AsSpan(TraceFile.PieceHead + (_count * TraceRecord.Size)));
        if (++_count == TraceFile.PieceRecords) Write();
    }

    /// <summary>All is on the disk, under its name, when this returns. Without a record there is no file.</summary>
    public void Complete()
    {
        if (_file is null) return;
        if (_count > 0) Write();
        Write();
        try
        {
            _file.Flush(flushToDisk: true);
            _file.Dispose();
            File.Move(TraceFile.NewOf(Path), Path, overwrite: true);
            _complete = true;
            Durable.FlushDirectory(home.TraceFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    private void Open()
    {
        byte[] key = RandomNumberGenerator.GetBytes(32), wrapped = wrap(key);
        try
        {
            CcHome.CreateFolder(home.TraceFolder);
            _file = CcHome.CreateFile(TraceFile.NewOf(Path), FileMode.Create, FileAccess.Write, FileShare.None);
            _file.Write([.. TraceFile.Magic, .. BitConverter.GetBytes(wrapped.Length), .. wrapped]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
        _aes = new AesGcm(key, TraceFile.TagSize);
        _piece = new byte[TraceFile.PieceHead + (TraceFile.PieceRecords * TraceRecord.Size)];
        CryptographicOperations.ZeroMemory(key);
    }

    private void Write()
    {
        Span<byte> whole = _piece.AsSpan(0, TraceFile.PieceHead + (_count * TraceRecord.Size)), nonce = whole.Slice(4, TraceFile.NonceSize), text = whole[TraceFile.PieceHead..];
        BitConverter.TryWriteBytes(whole, _count);
        RandomNumberGenerator.Fill(nonce);
        _aes!.Encrypt(nonce, text, text, whole.Slice(4 + TraceFile.NonceSize, TraceFile.TagSize), TraceFile.Associated(run, part, _number++, _count));
        try
        {
            _file!.Write(whole);
        }
        catch (IOException e)
        {
            throw home.NotWritable(e);
        }
        _count = 0;
    }

    public void Dispose()
    {
        _aes?.Dispose();
        if (_file is null) return;
        _file.Dispose();
        if (!_complete) TraceFile.RemoveUnfinished(Path);
    }
}
