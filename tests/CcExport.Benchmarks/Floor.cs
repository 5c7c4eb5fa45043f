using System.IO.Hashing;
using System.Text;
using nietras.SeparatedValues;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace CcExport.Benchmarks;

/// <summary>
/// The tuned floor: parse, map three columns, dedupe, encode; one purpose, no care. It knows the column numbers, believes that the file is
/// UTF-8, takes any text with an @ for an address, and throws the bodies away.
/// </summary>
internal static class Floor
{
    public static string Run(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
        byte[] block = new byte[1 << 20], body = new byte[4 << 20], lower = new byte[256];
        HashSet<UInt128> seen = [];
        int end = 0, rows = 0, bodies = 0;
        long read = 0, sent = 0, bytes = 0;
        int at = 0;
        Span<(int Start, int Length)> fields = stackalloc (int, int)[16];
        while (true)
        {
            int got = file.Read(block, end, block.Length - end);
            if (got == 0) break;
            end += got;
            int start = 0;
            while (true)
            {
                int column = 0, from = start, to;
                bool whole = false;
                while (from <= end)
                {
                    if (from < end && block[from] == '"')
                    {
                        int close = from + 1;
                        while (close < end && (block[close] != '"' || (close + 1 < end && block[close + 1] == '"'))) close += block[close] == '"' ? 2 : 1;
                        if (close >= end) break;
                        fields[column++] = (from + 1, close - from - 1);
                        to = close + 1;
                    }
                    else
                    {
                        int next = block.AsSpan(from, end - from).IndexOfAny((byte)',', (byte)'\n');
                        if (next < 0) break;
                        to = from + next;
                        fields[column++] = (from, next);
                    }
                    if (to >= end) break;
                    from = to + 1;
                    if (block[to] == '\r') { from++; whole = true; break; }
                    if (block[to] == '\n') { whole = true; break; }
                }
                if (!whole) break;
                start = from;
                if (read++ == 0) continue;
                Span<byte> email = block.AsSpan(fields[3].Start, fields[3].Length);
                if (!email.Contains((byte)'@')) continue;
                Ascii.ToLower(email, lower, out int length);
                if (!seen.Add(XxHash128.HashToUInt128(lower.AsSpan(0, length)))) continue;
                at += Put(body, at, "{\"email\":\""u8);
                at += Put(body, at, email);
                at += Put(body, at, "\",\"first_name\":\""u8);
                at += Put(body, at, block.AsSpan(fields[1].Start, fields[1].Length));
                at += Put(body, at, "\",\"last_name\":\""u8);
                at += Put(body, at, block.AsSpan(fields[2].Start, fields[2].Length));
                at += Put(body, at, "\"},"u8);
                sent++;
                if (++rows < 39_999 && at < 3_999_000) continue;
                (bytes, bodies, rows, at) = (bytes + at, bodies + 1, 0, 0);
            }
            block.AsSpan(start, end - start).CopyTo(block);
            end -= start;
        }
        return $"read {read - 1}, sent {sent}, bodies {bodies + 1}, bytes {bytes + at}";
    }

    /// <summary>Parquet.Net alone, as one would call it: three columns decoded, row group by row group, and nothing done with them.</summary>
    public static async Task<string> ParquetAsync(string path)
    {
        long values = 0;
        await using ParquetReader reader = await ParquetReader.CreateAsync(path);
        DataField[] fields = [.. reader.Schema.DataFields.Where(field => field.Name is "EMail" or "FirstName" or "LastName")];
        foreach (ParquetRowGroupReader group in reader.RowGroups)
        {
            foreach (DataField field in fields)
            {
                using RawColumnData column = await group.ReadRawColumnDataBaseAsync(field);
                values += column.DefinitionLevels.Length;
            }
        }
        return $"values {values}";
    }

    /// <summary>Sep alone: three columns of a CSV, unescaped, as UTF-8, and nothing done with them.</summary>
    public static string Sep(string path)
    {
        long rows = 0, bytes = 0;
        byte[] text = new byte[64 * 1024];
        using SepReader reader = nietras.SeparatedValues.Sep.Reader(o => o with { Unescape = true }).FromFile(path);
        int email = reader.Header.IndexOf("EMail"), first = reader.Header.IndexOf("FirstName"), last = reader.Header.IndexOf("LastName");
        foreach (SepReader.Row row in reader)
        {
            rows++;
            bytes += Encoding.UTF8.GetBytes(row[email].Span, text) + Encoding.UTF8.GetBytes(row[first].Span, text) + Encoding.UTF8.GetBytes(row[last].Span, text);
        }
        return $"rows {rows}, bytes {bytes}";
    }

    private static int Put(byte[] to, int at, ReadOnlySpan<byte> what)
    {
        what.CopyTo(to.AsSpan(at));
        return what.Length;
    }
}
