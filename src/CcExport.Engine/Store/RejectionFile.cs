using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace CcExport.Engine.Store;

/// <summary>
/// The rejections of one run: one JSON object a line, appended in bulk. A million wrongly mapped rows are a million lines,
/// not a million inserts. A last line without its end is the mark of a kill while writing, and does not count.
/// </summary>
internal static class RejectionFile
{
    private const int ReadBytes = 64 * 1024;

    public static string PathOf(CcHome home, long runId) =>
        Path.Combine(home.RejectionsFolder, string.Create(CultureInfo.InvariantCulture, $"{runId}.jsonl"));

    /// <summary>Opens the file of a run for appending; what a kill left of a last line is cut off first.</summary>
    public static RejectionWriter OpenWriter(CcHome home, long runId)
    {
        try
        {
            CcHome.CreateFolder(home.RejectionsFolder);
            return new RejectionWriter(home, PathOf(home, runId));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    /// <summary>Removes a run's file; nothing happens when there is none.</summary>
    public static void Delete(CcHome home, long runId)
    {
        try
        {
            File.Delete(PathOf(home, runId));
            File.Delete(PathOf(home, runId) + ".new");
            File.Delete(PathOf(home, runId) + ".damaged");
        }
        catch (DirectoryNotFoundException)
        {
            // Then there is nothing to remove either.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    /// <summary>Puts a file that cannot be read out of the way; it goes with the run's other files.</summary>
    public static void SetAside(CcHome home, long runId)
    {
        try
        {
            File.Move(PathOf(home, runId), PathOf(home, runId) + ".damaged", overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    /// <summary>Changes a run's rejections, in one step: the file is the old or the new one, whatever happens.</summary>
    /// <param name="change">What becomes of one; null: it goes.</param>
    public static async Task RewriteAsync(CcHome home, long runId, Func<RejectionRecord, RejectionRecord?> change, CancellationToken ct = default)
    {
        string path = PathOf(home, runId), fresh = path + ".new";
        try
        {
            File.Delete(fresh);
            using (var writer = new RejectionWriter(home, fresh))
            {
                await foreach (RejectionRecord r in ReadAsync(home, runId, ct).ConfigureAwait(false))
                {
                    if (change(r) is { } changed) Write(writer, changed);
                }
                await writer.FlushAsync(ct).ConfigureAwait(false);
            }
            File.Move(fresh, path, overwrite: true);
            Durable.FlushDirectory(home.RejectionsFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    private static void Write(RejectionWriter writer, RejectionRecord r) => writer.Write(new RejectionEntry
    {
        Kind = r.Kind,
        Row = r.Row,
        Segment = r.Segment,
        Key = Bytes(r.Key),
        Field = r.Field,
        ReasonId = r.ReasonId,
        Count = r.Count,
        Batch = r.Batch,
        Text = r.Text,
        WinnerRow = r.WinnerRow,
        WinnerSegment = r.WinnerSegment,
        WinnerKey = Bytes(r.WinnerKey),
    });

    private static byte[] Bytes(string? key) => key is null ? [] : Encoding.UTF8.GetBytes(key);

    /// <summary>The rejections in the order in which they were written; none when the run has no file.</summary>
    /// <param name="ofSent">Only what became of contacts after they were sealed. What was found while reading (Invalid, Duplicate, Noted) is passed over unparsed: of a
    /// million profiles that can be most of the file, and a run asks for the rest several times.</param>
    public static async IAsyncEnumerable<RejectionRecord> ReadAsync(CcHome home, long runId, [EnumeratorCancellation] CancellationToken ct, bool ofSent = false)
    {
        string path = PathOf(home, runId);
        FileStream? file = OpenForReading(path);
        if (file is null)
        {
            yield break;
        }
        await using (file.ConfigureAwait(false))
        {
            var parser = new RejectionParser(path);
            byte[] buffer = new byte[ReadBytes];
            int filled = 0;
            while (true)
            {
                int read = await file.ReadAsync(buffer.AsMemory(filled), ct).ConfigureAwait(false);
                if (read == 0)
                {
                    yield break;
                }
                filled += read;
                int begin = 0;
                while (buffer.AsSpan(begin, filled - begin).IndexOf((byte)'\n') is var length && length >= 0)
                {
                    ct.ThrowIfCancellationRequested();
                    if (!ofSent || !RejectionParser.IsOfReading(buffer.AsSpan(begin, length))) yield return parser.Parse(buffer.AsSpan(begin, length));
                    begin += length + 1;
                }
                buffer.AsSpan(begin, filled - begin).CopyTo(buffer);
                filled -= begin;
                if (filled == buffer.Length)
                {
                    Array.Resize(ref buffer, buffer.Length * 2);
                }
            }
        }
    }

    private static FileStream? OpenForReading(string path)
    {
        try
        {
            return CcHome.CreateFile(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, options: FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw RejectionParser.Unreadable(path, e);
        }
    }
}
