using System.IO.Compression;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Decompresses gzip and notices when it is cut short. zlib checks the length and checksum of each member that it sees the end of,
/// but where the file ends inside one .NET's stream just stops (tried with 8.0.31 and 10.0.12, at each byte). So at the end a small
/// member of our own is fed in: it comes out whole exactly if the file's last member was complete and nothing stands behind it.
/// </summary>
internal sealed class GzipInput : ForwardStream
{
    /// <summary>GZipStream asks for 8 KB at a time, and each request to a file is a step to another thread.</summary>
    private const int ReadAhead = 256 * 1024;

    private static readonly byte[] MarkText = "CcExport: the end of the file"u8.ToArray();
    private static readonly byte[] Mark = Compress(MarkText);

    private readonly Feed _feed;
    private readonly string _place;
    private bool _ended;

    public GzipInput(Stream compressed, string place) : this(new Feed(new BufferedStream(compressed, ReadAhead)), place) { }

    private GzipInput(Feed feed, string place) : base(new GZipStream(feed, CompressionMode.Decompress))
    {
        _feed = feed;
        _place = place;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended || buffer.Length == 0) return 0;
        try
        {
            int read = await Inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read > 0) return read;
            if (!await EndsWellAsync(cancellationToken).ConfigureAwait(false)) throw InputErrors.GzipBroken(_place, null);
            _ended = true;
            return 0;
        }
        catch (InvalidDataException e)
        {
            throw InputErrors.GzipBroken(_place, e);
        }
    }

    private async Task<bool> EndsWellAsync(CancellationToken ct)
    {
        _feed.Append(Mark);
        byte[] text = new byte[MarkText.Length + 1];
        int read = await Inner.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
        return text.AsSpan(0, read).SequenceEqual(MarkText);
    }

    private static byte[] Compress(byte[] text)
    {
        using var to = new MemoryStream();
        using (var gzip = new GZipStream(to, CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(text);
        return to.ToArray();
    }

    /// <summary>The file, and after it what is appended.</summary>
    private sealed class Feed(Stream inner) : ForwardStream(inner)
    {
        private ReadOnlyMemory<byte> _appended;
        private bool _atEnd;

        public void Append(ReadOnlyMemory<byte> bytes) => (_appended, _atEnd) = (bytes, true);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_atEnd) return Inner.ReadAsync(buffer, cancellationToken);
            int count = Math.Min(buffer.Length, _appended.Length);
            _appended.Span[..count].CopyTo(buffer.Span);
            _appended = _appended[count..];
            return new(count);
        }
    }
}
