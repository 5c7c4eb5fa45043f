namespace CcExport.Engine.Profiles;

/// <summary>
/// A file that must be the same at its end as it was at its beginning. Half a file, because its writer has not finished or a
/// share has gone, would silently be half a list.
/// </summary>
internal sealed class WatchedFileStream(FileStream file, string place) : ForwardStream(file)
{
    private readonly long _length = file.Length;
    private long _read;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read;
        try
        {
            read = await Inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw InputErrors.Unreadable(place, _read, e);
        }
        _read += read;
        if (_read > _length) throw InputErrors.Grew(place);
        if (read == 0 && buffer.Length > 0 && _read < _length) throw InputErrors.Shrank(place, _read, _length);
        return read;
    }
}
