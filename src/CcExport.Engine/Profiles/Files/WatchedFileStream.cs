namespace CcExport.Engine.Profiles;

/// <summary>
/// A file that must be the same at its end as it was at its beginning. Half a file, because its writer has not finished or a
/// share has gone, would silently be half a list.
/// </summary>
internal sealed class WatchedFileStream(FileStream file, string place) : ForwardStream(file)
{
    private readonly long _length = file.Length;
    private readonly DateTime _written = WrittenOf(file, place);
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
        // Written over at the same length, it would be half of either.
        if (read == 0 && buffer.Length > 0 && WrittenOf(file, place) != _written) throw InputErrors.Changed(place);
        return read;
    }

    private static DateTime WrittenOf(FileStream file, string place)
    {
        try
        {
            return File.GetLastWriteTimeUtc(file.SafeFileHandle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw InputErrors.Unreadable(place, 0, e);
        }
    }
}
