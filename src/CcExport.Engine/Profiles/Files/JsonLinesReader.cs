using System.Runtime.CompilerServices;
using System.Text.Json;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Reads one text of JSON objects, one a line, that is already valid UTF-8 (<see cref="InputFile"/>). A number or a bool is its
/// raw text, null is a value that is not there, an object or an array its raw JSON. A line that is no object is a row with a
/// fault. Property names are exact, else without regard to case; of a name that stands twice the last counts, as in most parsers.
/// </summary>
internal sealed class JsonLinesReader(Stream utf8, string place)
{
    /// <summary>Records that are looked at for names of columns.</summary>
    public const int DiscoverRecords = 100;

    private const int FirstBlock = 256 * 1024, DiscoverBytes = 4 * FirstBlock;

    private byte[] _buffer = new byte[FirstBlock];
    private int _start, _end;
    private bool _atEnd;
    private long _line;
    private List<string>? _discovered;

    /// <summary>The names in the first records, in the order in which they come. Once, first.</summary>
    public async Task<IReadOnlyList<string>> ReadColumnsAsync(CancellationToken ct)
    {
        var names = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        int at = 0, objects = 0, others = 0;
        while (objects + others < DiscoverRecords)
        {
            // Discovering takes nothing: the same lines are read again as rows.
            int end = NextLine(at);
            if (end < 0)
            {
                if (_atEnd || (_end - _start >= DiscoverBytes && objects + others > 0)) break;
                await FillAsync(ct).ConfigureAwait(false);
                continue;
            }
            ReadOnlySpan<byte> line = _buffer.AsSpan(_start + at, end - at);
            at = end;
            if (IsBlank(line)) continue;
            // An array of objects over many lines has lines that are objects, and would lose the others.
            if (objects + others == 0 && line.TrimStart(" \t\r\n"u8)[0] == '[') throw JsonLinesErrors.NotJsonLines(place, line);
            if (TryNames(line, names, known)) objects++;
            else others++;
        }
        if (objects == 0 && others > 0) throw JsonLinesErrors.NotJsonLines(place, _buffer.AsSpan(_start, _end - _start));
        return _discovered = names;
    }

    /// <summary>
    /// The rows; the first has the number <paramref name="firstRow"/>. A column that no record has fails at the end, when that is known.
    /// </summary>
    /// <param name="met">Notes which columns there were; null: all have to be there.</param>
    public async IAsyncEnumerable<ProfileBatch> ReadAsync(
        IReadOnlyList<string> columns, long firstRow, [EnumeratorCancellation] CancellationToken ct, ColumnsMet? met = null)
    {
        IReadOnlyList<string> discovered = _discovered ?? await ReadColumnsAsync(ct).ConfigureAwait(false);
        var row = new JsonRow(columns, discovered);
        var batch = new ProfileBatch(columns.Count) { FirstRow = firstRow };
        while (true)
        {
            int end = NextLine(0);
            if (end < 0)
            {
                // Rows point into the block: they are handed on before it moves.
                if (batch.Rows > 0)
                {
                    yield return Filled(batch);
                    Restart(batch);
                }
                if (_atEnd) break;
                await FillAsync(ct).ConfigureAwait(false);
                continue;
            }
            AddRow(row, batch, end);
            if (!batch.IsFull) continue;
            yield return Filled(batch);
            Restart(batch);
        }
        if (met is null) row.ThrowIfMissing(place);
        else row.Tell(met, place);
    }

    private ProfileBatch Filled(ProfileBatch batch)
    {
        batch.Text = _buffer;
        return batch;
    }

    private static void Restart(ProfileBatch batch)
    {
        batch.FirstRow += batch.Rows;
        batch.Clear();
    }

    private void AddRow(JsonRow row, ProfileBatch batch, int length)
    {
        int start = _start;
        _start += length;
        _line++;
        Span<byte> line = _buffer.AsSpan(start, length);
        if (IsBlank(line)) return;
        if (line.Length > Limits.RecordBytes) throw InputErrors.RecordTooLong(place, _line);
        // Only the very last line can lack its end, and only there is half an object a sign of half a file.
        if (line[^1] != '\n' && JsonRow.IsCut(line)) throw JsonLinesErrors.Cut(place, _line);
        ReadOnlySpan<ProfileBatch.Field> fields = row.Read(line, start, out RowFault fault);
        fields.CopyTo(batch.AddRow(fault));
    }

    /// <summary>
    /// Where the line that begins <paramref name="from"/> bytes into what is left ends, its line feed included; -1: not in the block.
    /// </summary>
    private int NextLine(int from)
    {
        int feed = _buffer.AsSpan(_start + from, _end - _start - from).IndexOf((byte)'\n');
        return feed >= 0 ? from + feed + 1
            : _atEnd && _end - _start > from ? _end - _start
            : -1;
    }

    private async ValueTask FillAsync(CancellationToken ct)
    {
        int left = _end - _start;
        if (_start > 0)
        {
            Buffer.BlockCopy(_buffer, _start, _buffer, 0, left);
            (_start, _end) = (0, left);
        }
        if (left == _buffer.Length)
        {
            if (left > Limits.RecordBytes) throw InputErrors.RecordTooLong(place, _line + 1);
            Array.Resize(ref _buffer, Math.Min(left * 2, Limits.RecordBytes + FirstBlock));
        }
        // To the brim: gzip gives a little at a time, and a long line would be searched for its end after each of them.
        Memory<byte> room = _buffer.AsMemory(_end);
        int read = await utf8.ReadAtLeastAsync(room, room.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
        _atEnd = read < room.Length;
        _end += read;
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(" \t\r\n"u8) < 0;

    private static bool TryNames(ReadOnlySpan<byte> line, List<string> names, HashSet<string> known)
    {
        int before = names.Count;
        try
        {
            var json = new Utf8JsonReader(line);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return false;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                string name = json.GetString()!;
                if (known.Add(name)) names.Add(name);
                json.Read();
                json.Skip();
            }
            return !json.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            foreach (string name in names.Skip(before)) known.Remove(name);
            names.RemoveRange(before, names.Count - before);
            return false;
        }
    }
}

internal static class JsonLinesErrors
{
    public static CcException NotJsonLines(string place, ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> trimmed = text.TrimStart(" \t\r\n"u8);
        bool array = trimmed.Length > 0 && trimmed[0] == '[';
        return new("InputNotJsonLines", CcErrorKind.InvalidData,
            array ? $"'{place}' is one JSON array, not one object a line." : $"'{place}' is no JSON with one object a line.",
            array
                ? "Pipe its objects in: Get-Content -Raw | ConvertFrom-Json | Invoke-CcExport; or write one object a line (jq -c '.[]')."
                : "Write one whole object a line (jq -c .), or give a delimited text the extension .csv.")
        { Subject = place };
    }

    public static CcException Cut(string place, long line) => new("InputCut", CcErrorKind.InvalidData,
        $"'{place}' is cut within its last record, line {line}.", "Copy or write the file again; its end is missing.")
    { Subject = place };
}
