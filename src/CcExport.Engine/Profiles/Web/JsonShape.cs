using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace CcExport.Engine.Profiles.Web;

/// <summary>
/// How the rows of a table are written: which bytes stand before each value. A service writes all of them alike, and comparing those bytes is
/// several times as fast as reading tokens. What does not fit in every byte is left to the reader.
/// </summary>
internal sealed class JsonShape
{
    private static readonly SearchValues<byte> Special = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(i => (byte)i), (byte)'"', (byte)'\\']);
    private static readonly SearchValues<byte> Numeric = SearchValues.Create("0123456789+-.eE"u8);

    private readonly Part[] _parts;
    private readonly byte[] _end;
    private readonly Value[] _values;

    private JsonShape(Part[] parts, byte[] end) => (_parts, _end, _values) = (parts, end, new Value[parts.Length]);

    /// <param name="Before">All bytes between the value before it and its own.</param>
    private readonly record struct Part(byte[] Before, JsonRow.Name Name);

    /// <summary>Where a value lies; a length of -1 is null.</summary>
    private record struct Value(int Start, int Length, bool IsEscaped);

    /// <summary>The shape of the object that begins at <paramref name="at"/>; null when it has values within values. What is no JSON throws.</summary>
    public static JsonShape? Learn(ReadOnlySpan<byte> text, int at, JsonRow row)
    {
        var json = new Utf8JsonReader(text[at..]);
        json.Read();
        List<Part> parts = [];
        int from = 0, expected = 0;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            JsonRow.Name name;
            try
            {
                name = row.Find(ref json, ref expected);
            }
            catch (InvalidOperationException)
            {
                return null;
            }
            json.Read();
            if (json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) return null;
            int start = (int)json.TokenStartIndex;
            parts.Add(new Part(text[(at + from)..(at + start)].ToArray(), name));
            from = (int)json.BytesConsumed;
        }
        return new JsonShape([.. parts], text[(at + from)..(at + (int)json.BytesConsumed)].ToArray());
    }

    /// <summary>Finds the values of the object that begins at <paramref name="at"/>, changing nothing. Where it ends; -1: it is of another shape.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Match(ReadOnlySpan<byte> text, int at)
    {
        for (int i = 0; i < _parts.Length; i++)
        {
            byte[] before = _parts[i].Before;
            if (!text[at..].StartsWith(before)) return -1;
            at += before.Length;
            if (at >= text.Length) return -1;
            int end = text[at] == '"' ? TextEnd(text, at + 1, out bool escaped) : LiteralEnd(text, at, out escaped);
            if (end < 0) return -1;
            _values[i] = text[at] == '"' ? new Value(at + 1, end - at - 1, escaped) : new Value(at, text[at] == 'n' ? -1 : end - at, false);
            at = text[at] == '"' ? end + 1 : end;
        }
        return text[at..].StartsWith(_end) ? at + _end.Length : -1;
    }

    /// <summary>Gives a row the values that were matched last; escaped ones are unescaped where they stand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public RowFault Fill(JsonRow row, Span<byte> text)
    {
        row.Begin();
        RowFault fault = RowFault.None;
        for (int i = 0; i < _parts.Length; i++)
        {
            JsonRow.Name name = _parts[i].Name;
            if (!name.IsAsked) continue;
            Value value = _values[i];
            int length = value.Length;
            if (value.IsEscaped && !name.IsAsWritten && !row.TryUnescape(text.Slice(value.Start - 1, length + 2), out length))
            {
                fault = RowFault.Malformed;
                continue;
            }
            row.Assign(name, new ProfileBatch.Field(value.Start, length));
        }
        return fault;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int TextEnd(ReadOnlySpan<byte> text, int at, out bool escaped)
    {
        escaped = false;
        while (at < text.Length)
        {
            int next = text[at..].IndexOfAny(Special);
            if (next < 0) return -1;
            at += next;
            if (text[at] == '"') return at;
            if (text[at] != '\\') return -1;
            escaped = true;
            at += 2;
        }
        return -1;
    }

    private static int LiteralEnd(ReadOnlySpan<byte> text, int at, out bool escaped)
    {
        escaped = false;
        ReadOnlySpan<byte> rest = text[at..];
        int length = rest.StartsWith("null"u8) || rest.StartsWith("true"u8) ? 4 : rest.StartsWith("false"u8) ? 5 : rest.IndexOfAnyExcept(Numeric);
        return length > 0 ? at + length : -1;
    }
}
