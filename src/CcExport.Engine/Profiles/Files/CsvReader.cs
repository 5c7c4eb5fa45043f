using System.Runtime.CompilerServices;
using System.Text;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Reads one delimited text that is already valid UTF-8 (see <c>InputFile</c>), without a string for a field.
/// A block is scanned once for the few bytes that mean something (<see cref="CsvScanner"/>), and records are cut along those
/// positions; fields stay where they lie. RFC 4180 with the usual liberties: a quote inside an unquoted field is a character,
/// records end with CR, LF or both, blank lines are no records. What stands between a closing quote and the next delimiter
/// makes the row malformed, never the file; a quote that never closes fails the file, since nobody can say where it ends.
/// </summary>
internal sealed class CsvReader(Stream utf8, CsvFormat format, string place, int blockSize = CsvReader.DefaultBlockSize)
{
    /// <summary>Bytes read at a time: with its positions it fits the second-level cache of today's cores.</summary>
    public const int DefaultBlockSize = 128 * 1024;

    private readonly CsvScanner _scanner = new();
    private byte[] _block = new byte[blockSize];
    private int _next;            // first byte not yet consumed
    private int _end;             // end of the bytes in the block
    private bool _atEnd;          // the stream has no more
    private bool _skipLineFeed;   // the last record ended with a CR at the very end of the block
    private long _line = 1;       // line of _next
    private int _columns;         // fields of the header

    // The record last cut: all its fields, with what is needed to take the asked ones out of it.
    private readonly List<(int Start, int Length)> _headerFields = [];

    /// <summary>Reads up to the end of the header (or settles the given names) and returns the columns. Once, first.</summary>
    public async Task<IReadOnlyList<string>> ReadHeaderAsync(CancellationToken ct)
    {
        byte delimiter = format.Delimiter ?? await FindDelimiterAsync(ct).ConfigureAwait(false);
        _scanner.Use(delimiter, format.Quotes);
        if (!format.HasHeader)
        {
            IReadOnlyList<string> given = format.Columns
                ?? throw new ArgumentException("A file without a header needs the names of its columns.", nameof(format));
            _scanner.Scan(_block, _next, _end);
            _columns = given.Count;
            return given;
        }
        var header = new ProfileBatch(0, 1);
        _scanner.Scan(_block, _next, _end);
        while (Cut(header, [], _headerFields, one: true) == 0)
        {
            if (!await RefillAsync(ct).ConfigureAwait(false) && _next >= _end)
                throw new CcException("InputEmpty", CcErrorKind.InvalidData, $"'{place}' has no header: it holds no text.",
                    "Check that the file is the right one and was written to its end.")
                { Subject = place };
        }
        var names = new string[_headerFields.Count];
        for (int i = 0; i < names.Length; i++)
        {
            (int start, int length) = _headerFields[i];
            names[i] = Encoding.UTF8.GetString(_block, start, length).Trim();
        }
        _columns = names.Length;
        if (format.Columns is not { } others) return names;
        if (others.Count != names.Length)
        {
            throw new CcException("HeaderCount", CcErrorKind.InvalidArgument,
                $"'{place}' has {names.Length} columns, but {others.Count} names were given.", "Give one name for each column.")
            { Subject = place };
        }
        return others;
    }

    /// <summary>The rows; <paramref name="ordinals"/> are positions in the header; the first row has the number <paramref name="firstRow"/>.</summary>
    public async IAsyncEnumerable<ProfileBatch> ReadAsync(int[] ordinals, long firstRow, [EnumeratorCancellation] CancellationToken ct)
    {
        int[] slots = new int[_columns];
        Array.Fill(slots, -1);
        List<(int From, int To)> twins = [];
        for (int i = 0; i < ordinals.Length; i++)
        {
            if (slots[ordinals[i]] >= 0) twins.Add((slots[ordinals[i]], i));
            else slots[ordinals[i]] = i;
        }

        var batch = new ProfileBatch(ordinals.Length) { FirstRow = firstRow };
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            batch.Clear();
            batch.Text = _block;
            if (Cut(batch, slots, null, one: false) > 0)
            {
                foreach ((int from, int to) in twins) batch.CopyColumn(from, to);
                yield return batch;
                batch.FirstRow += batch.Rows;
            }
            else if (!await RefillAsync(ct).ConfigureAwait(false) && _next >= _end)
            {
                yield break;
            }
        }
    }

    /// <summary>
    /// Cuts records until the batch is full or the block holds no whole one any more; returns how many. Nothing is written into
    /// the block before a record is whole: half of one is cut again after the next read.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Cut(ProfileBatch batch, int[] slots, List<(int Start, int Length)>? all, bool one)
    {
        byte[] block = _block;
        int[] positions = _scanner.Positions;
        int index = _scanner.Next, count = _scanner.Count, start = _next, rows = 0;
        long line = _line;
        byte delimiter = _scanner.Delimiter;
        bool quotes = format.Quotes;
        int capacity = one ? 1 : batch.Capacity;

        while (rows < capacity)
        {
            if (_skipLineFeed && start < _end)
            {
                _skipLineFeed = false;
                if (block[start] == '\n')
                {
                    start++;
                    if (index < count && positions[index] < start) index++;
                }
            }
            if (start >= _end) break;
            if (block[start] is (byte)'\r' or (byte)'\n')
            {
                // A blank line is no record.
                start = AfterLineEnd(block, start, ref index, positions, count);
                line++;
                continue;
            }

            Span<ProfileBatch.Field> fields = batch.AddRow();
            for (int i = 0; i < fields.Length; i++) fields[i] = new ProfileBatch.Field(0, -1);
            all?.Clear();
            int column = 0, fieldStart = start, cursor = index;
            long lines = 0;
            bool malformed = false, whole = false, anyEscapes = false;
            while (true)
            {
                int valueStart = fieldStart, valueEnd;
                bool escapes = false;
                if (quotes && fieldStart < _end && block[fieldStart] == '"')
                {
                    valueStart++;
                    cursor++;   // the opening quote
                    long openedAt = line + lines;
                    int close = -1;
                    while (cursor < count)
                    {
                        int at = positions[cursor++];
                        byte found = block[at];
                        if (found == '"')
                        {
                            if (at + 1 < _end && block[at + 1] == '"')
                            {
                                escapes = anyEscapes = true;
                                cursor++;
                                continue;
                            }
                            close = at;
                            break;
                        }
                        if (found == '\n' || (found == '\r' && !(at + 1 < _end && block[at + 1] == '\n'))) lines++;
                    }
                    // Whether a quote at the very end of the block closes is only known with the byte after it.
                    if (close < 0 || (close + 1 == _end && !_atEnd))
                    {
                        if (close < 0 && _atEnd) throw QuoteUnclosed(openedAt);
                        if (_end - start > Limits.RecordBytes) throw RecordTooLong(line, openedAt);
                        break;
                    }
                    valueEnd = close;
                    if (close + 1 < _end && block[close + 1] is var after && after != delimiter && after != '\r' && after != '\n')
                    {
                        // Most likely it is the quote in front of another line's value: all lines between would be one row.
                        if (line + lines > openedAt && !OnlyBlanks(block, close + 1, delimiter)) throw QuoteUnclosed(openedAt, closedAt: line + lines);
                        malformed = true;
                    }
                }
                else
                {
                    valueEnd = -1;
                }

                while (cursor < count && block[positions[cursor]] == '"' && quotes) cursor++;
                int stop;
                if (cursor < count) stop = positions[cursor++];
                else if (_atEnd) stop = _end;
                else break;
                if (valueEnd < 0) valueEnd = stop;

                if (column < slots.Length && slots[column] is var slot and >= 0)
                    fields[slot] = new ProfileBatch.Field(escapes ? ~valueStart : valueStart, valueEnd - valueStart);
                all?.Add((escapes ? ~valueStart : valueStart, valueEnd - valueStart));
                column++;
                if (stop < _end && block[stop] == delimiter)
                {
                    fieldStart = stop + 1;
                    continue;
                }
                whole = true;
                if (anyEscapes) Unescape(block, fields);
                if (all is not null) Unescape(block, all);
                cursor = Math.Max(cursor - 1, index);
                start = stop < _end ? AfterLineEnd(block, stop, ref cursor, positions, count) : _end;
                index = cursor;
                line += lines + 1;
                break;
            }

            if (!whole)
            {
                batch.DropRow();
                if (_end - start > Limits.RecordBytes) throw RecordTooLong(line, null);
                break;
            }
            if (malformed) batch.SetFault(batch.Rows - 1, RowFault.Malformed);
            else if (all is null && column != _columns) batch.SetFault(batch.Rows - 1, RowFault.FieldCount);
            rows++;
        }
        _scanner.Next = index;
        _next = start;
        _line = line;
        return rows;
    }

    /// <summary>Between the closing quote and the end of the value.</summary>
    private bool OnlyBlanks(byte[] block, int at, byte delimiter)
    {
        while (at < _end && block[at] is (byte)' ' or (byte)'\t' && block[at] != delimiter) at++;
        return at == _end || block[at] == delimiter || block[at] is (byte)'\r' or (byte)'\n';
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int AfterLineEnd(byte[] block, int at, ref int index, int[] positions, int count)
    {
        int next = at + 1;
        if (block[at] == '\r')
        {
            if (next == _end) _skipLineFeed = true;
            else if (block[next] == '\n') next++;
        }
        while (index < count && positions[index] < next) index++;
        return next;
    }

    /// <summary>A start that is negative marks a field with doubled quotes; they are halved where they lie.</summary>
    private static void Unescape(byte[] block, Span<ProfileBatch.Field> fields)
    {
        foreach (ref ProfileBatch.Field field in fields)
        {
            if (field.Start >= 0) continue;
            int start = ~field.Start;
            field = new ProfileBatch.Field(start, Halve(block.AsSpan(start, field.Length)));
        }
    }

    private static void Unescape(byte[] block, List<(int Start, int Length)> fields)
    {
        for (int i = 0; i < fields.Count; i++)
        {
            (int start, int length) = fields[i];
            if (start < 0) fields[i] = (~start, Halve(block.AsSpan(~start, length)));
        }
    }

    private static int Halve(Span<byte> text)
    {
        int to = 0;
        for (int from = 0; from < text.Length; from++)
        {
            byte b = text[from];
            if (b == '"') from++;
            text[to++] = b;
        }
        return to;
    }

    /// <summary>Moves what is left to the front and reads more behind it; false when the stream is at its end.</summary>
    private async Task<bool> RefillAsync(CancellationToken ct)
    {
        if (_atEnd) return false;
        int left = _end - _next;
        if (left == _block.Length)
        {
            byte[] larger = new byte[_block.Length * 2];
            _block.AsSpan(_next, left).CopyTo(larger);
            _block = larger;
        }
        else
        {
            _block.AsSpan(_next, left).CopyTo(_block);
        }
        _next = 0;
        _end = left;
        int read = await utf8.ReadAsync(_block.AsMemory(_end), ct).ConfigureAwait(false);
        _end += read;
        _atEnd = read == 0;
        _scanner.Scan(_block, _next, _end);
        return !_atEnd;
    }

    private async Task<byte> FindDelimiterAsync(CancellationToken ct)
    {
        while (true)
        {
            (int length, byte delimiter) = CsvScanner.GuessDelimiter(_block.AsSpan(_next, _end - _next), format.Quotes);
            if (length >= 0 || _end - _next > Limits.RecordBytes) return delimiter;
            _scanner.Use(delimiter, format.Quotes);
            if (!await RefillAsync(ct).ConfigureAwait(false)) return delimiter;
        }
    }

    private CcException QuoteUnclosed(long line, long? closedAt = null) => new("InputQuoteUnclosed", CcErrorKind.InvalidData,
        $"A quote that opens on line {line} of '{place}' {(closedAt is { } at ? $"meets the next one on line {at}, within a value: what lies between cannot be told apart" : "never closes, so nobody can say where its record ends")}.",
        "Mend that line, or give the right -Delimiter, and run again. Nothing was sent.")
    { Subject = place };

    private CcException RecordTooLong(long line, long? quote) => new("InputRecordTooLong", CcErrorKind.InvalidData,
        $"The record on line {line} of '{place}' is longer than {Limits.RecordBytes / (1024 * 1024)} MB."
        + (quote is { } at ? $" A quote that opens on line {at} does not close." : ""),
        "Check that the file is text with one record a line, and its quotes and -Delimiter. Nothing was sent.")
    { Subject = place };
}
