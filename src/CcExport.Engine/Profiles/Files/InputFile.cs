using System.Text;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Opens a text file as a stream of valid UTF-8 without a byte order mark, whatever it is on disk: gzip (told by its bytes, not
/// its name), UTF-16, or an encoding that the person names. What is not as it should be throws a <see cref="CcException"/> that
/// says where and what to do, at opening or while it is read.
/// </summary>
internal static class InputFile
{
    /// <summary>A file of this machine.</summary>
    public static Task<Stream> OpenAsync(string path, string? encodingName, CancellationToken ct)
        => OpenAsync(DiskTree.Instance, path, encodingName, allowEmpty: false, ct);

    /// <param name="tree">Where the file lies.</param>
    /// <param name="path">A file; a symbolic link to one is followed.</param>
    /// <param name="encodingName">As <see cref="EncodingNames"/> knows it; null: the byte order mark's, else UTF-8.</param>
    /// <param name="allowEmpty">True for the part of a segment without a header: no bytes are no rows.</param>
    public static async Task<Stream> OpenAsync(IFileTree tree, string path, string? encodingName, bool allowEmpty, CancellationToken ct)
    {
        Encoding? asked = encodingName is null ? null : EncodingNames.Parse(encodingName);
        Stream? top = await tree.OpenAsync(path, allowEmpty, ct).ConfigureAwait(false);
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
            throw InputErrors.NotText(path, "a Parquet file", "Give it a name that ends with .parquet.");
    }
}
