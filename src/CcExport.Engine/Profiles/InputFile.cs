using System.Text;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Opens a text file as a stream of valid UTF-8 without a byte order mark, whatever it is on disk: gzip (told by its bytes, not
/// its name), UTF-16, or an encoding that the person names. What is not as it should be throws a <see cref="CcException"/> that
/// says where and what to do, at opening or while it is read.
/// </summary>
internal static class InputFile
{
    public static Task<Stream> OpenAsync(string path, string? encodingName, CancellationToken ct)
        => OpenAsync(path, encodingName, allowEmpty: false, ct);

    /// <param name="path">A file; a symbolic link to one is followed.</param>
    /// <param name="encodingName">As <see cref="EncodingNames"/> knows it; null: the byte order mark's, else UTF-8.</param>
    /// <param name="allowEmpty">True for the part of a segment without a header: no bytes are no rows.</param>
    public static async Task<Stream> OpenAsync(string path, string? encodingName, bool allowEmpty, CancellationToken ct)
    {
        Encoding? asked = encodingName is null ? null : EncodingNames.Parse(encodingName);
        Stream? top = OpenFile(path, allowEmpty);
        if (top is null) return Stream.Null;
        try
        {
            var bytes = new PeekStream(top);
            top = bytes;
            bool compressed = (await bytes.PeekAsync(3, ct).ConfigureAwait(false)).Span is [0x1F, 0x8B, 0x08];
            if (compressed) top = bytes = new PeekStream(new GzipInput(bytes, path));

            ReadOnlyMemory<byte> head = await bytes.PeekAsync(4, ct).ConfigureAwait(false);
            RefuseBinary(path, head.Span);
            (Encoding Encoding, int Length)? mark = Mark(head.Span);
            if (mark is { } m)
            {
                if (asked is not null && asked.CodePage != m.Encoding.CodePage)
                    throw InputErrors.ContradictsBom(path, asked.WebName, m.Encoding.WebName);
                bytes.Skip(m.Length);
            }
            if (!allowEmpty && (await bytes.PeekAsync(1, ct).ConfigureAwait(false)).IsEmpty) throw InputErrors.Empty(path);

            Encoding encoding = mark?.Encoding ?? asked ?? Encoding.UTF8;
            var place = new InputPlace(path, compressed, Transcoded: encoding.CodePage != Encoding.UTF8.CodePage);
            if (place.Transcoded) top = new TranscodeStream(bytes, encoding, place);
            return new Utf8CheckStream(top, place);
        }
        catch
        {
            await top.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The file, or null where it holds nothing and may.</summary>
    private static WatchedFileStream? OpenFile(string path, bool allowEmpty)
    {
        FileStream? file = null;
        try
        {
            // Looked at before it is opened: opening a pipe waits for its other end, and an open device may do anything.
            if (Length(Existing(path)) == 0) return allowEmpty ? null : throw InputErrors.Empty(path);
            file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                Options = FileOptions.SequentialScan | FileOptions.Asynchronous,
                BufferSize = 0,
            });
            if (!file.CanSeek) throw InputErrors.NotAFile(path);
            return new(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            file?.Dispose();
            throw InputErrors.Opening(path, e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>Throws where there is no file of that name, or a link that leads to none; reads nothing.</summary>
    public static void Check(string path)
    {
        try
        {
            Existing(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw InputErrors.Opening(path, e);
        }
    }

    private static FileInfo Existing(string path)
    {
        var info = new FileInfo(path);
        if (Directory.Exists(path)) throw InputErrors.IsDirectory(path);
        RefuseUselessLink(path, info);
        return info.Exists ? info : throw InputErrors.NotFound(path);
    }

    /// <summary>The length of the file itself; a symbolic link's own is that of its target's name.</summary>
    private static long Length(FileInfo info) => info.LinkTarget is null ? info.Length : ((FileInfo)info.ResolveLinkTarget(true)!).Length;

    private static void RefuseUselessLink(string path, FileInfo info)
    {
        if (info.LinkTarget is not { } target) return;
        FileSystemInfo? final;
        try
        {
            final = info.ResolveLinkTarget(returnFinalTarget: true);
        }
        catch (IOException e)
        {
            // Either it leads in a circle, or over more links than the system follows.
            throw InputErrors.LinkLoop(path, e);
        }
        if (final is not { Exists: true }) throw InputErrors.BrokenLink(path, target);
    }

    private static (Encoding, int)? Mark(ReadOnlySpan<byte> head) => head switch
    {
        [0xEF, 0xBB, 0xBF, ..] => (EncodingNames.Parse("utf-8"), 3),
        // Before UTF-16, whose mark it begins with: a UTF-16 text that begins with NUL is none.
        [0xFF, 0xFE, 0, 0, ..] => (EncodingNames.Parse("utf-32"), 4),
        [0, 0, 0xFE, 0xFF, ..] => (EncodingNames.Parse("utf-32BE"), 4),
        [0xFF, 0xFE, ..] => (EncodingNames.Parse("utf-16"), 2),
        [0xFE, 0xFF, ..] => (EncodingNames.Parse("utf-16BE"), 2),
        _ => null,
    };

    private static void RefuseBinary(string path, ReadOnlySpan<byte> head)
    {
        if (head is [(byte)'P', (byte)'K', 3, 4])
        {
            throw InputErrors.NotText(path, "an Excel workbook or a ZIP archive",
                "Save the sheet as 'CSV UTF-8', or unpack the archive; a workbook can also be piped in by a module that reads Excel.");
        }
        if (head is [(byte)'P', (byte)'A', (byte)'R', (byte)'1'])
            throw InputErrors.NotText(path, "a Parquet file", "Export the segment as CSV.");
    }
}
