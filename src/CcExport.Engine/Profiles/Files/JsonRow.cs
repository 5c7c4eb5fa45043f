using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Finds the asked columns in one JSON object after another. Records of one file mostly have the same names in the same order,
/// so the name that followed last time is tried first, and a name becomes a string only when it is met for the first time.
/// </summary>
internal sealed class JsonRow
{
    /// <summary>Names that are remembered. Files that invent names (ids as keys) must not fill the memory.</summary>
    private const int MostNames = 1024;

    private static readonly ProfileBatch.Field Missing = new(0, -1);

    private readonly IReadOnlyList<string> _columns;
    private readonly IReadOnlyList<string> _discovered;
    private readonly string? _asWritten;
    private readonly ProfileBatch.Field[] _fields;
    private readonly List<Name> _names = [];
    private readonly bool[] _seen;
    private readonly long[] _exactIn;
    private long _record;
    private byte[] _scratch = new byte[256];

    /// <param name="discovered">Names that exist for certain, even where their value is not looked at again.</param>
    /// <param name="asWritten">A column whose texts keep their escapes: whoever meets the same few again and again need not unescape each.</param>
    public JsonRow(IReadOnlyList<string> columns, IReadOnlyList<string> discovered, string? asWritten = null)
    {
        (_columns, _discovered, _asWritten) = (columns, discovered, asWritten);
        (_fields, _seen, _exactIn) = (new ProfileBatch.Field[columns.Count], new bool[columns.Count], new long[columns.Count]);
    }

    /// <summary>The asked fields of the object that was read last.</summary>
    public ReadOnlySpan<ProfileBatch.Field> Fields => _fields;

    /// <summary>How the rows are written, once one was met; kept here because it is one for all pages of a table.</summary>
    internal Web.JsonShape? Shape { get; set; }

    /// <summary>Rows that were of no known shape.</summary>
    internal int Unlike { get; set; }

    /// <summary>Another object begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Begin()
    {
        _fields.AsSpan().Fill(Missing);
        _record++;
    }

    /// <summary>A property name as it stands in the file, and the columns that it feeds.</summary>
    internal sealed record Name(byte[] Text, int[] Exact, int[] Like, bool IsAsWritten)
    {
        public bool IsAsked => Exact.Length + Like.Length > 0;
    }

    /// <summary>
    /// The asked fields of one line, which is not blank and whose first byte is <paramref name="at"/> in the batch's text; valid until
    /// the next line. Escaped values are unescaped where they stand, so a line can be read once.
    /// </summary>
    public ReadOnlySpan<ProfileBatch.Field> Read(Span<byte> line, int at, out RowFault fault)
    {
        _fields.AsSpan().Fill(Missing);
        fault = TryRead(line, at) ? RowFault.None : RowFault.Malformed;
        if (fault != RowFault.None) _fields.AsSpan().Fill(Missing);
        return _fields;
    }

    /// <summary>
    /// Reads the object at which a reader of <paramref name="text"/> stands, up to its end; its first byte is <paramref name="at"/> in the batch's text. What is no JSON throws; an object with half of a
    /// surrogate pair in an asked value is a row with a fault, whose other fields can be used.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public RowFault Read(ref Utf8JsonReader json, Span<byte> text, int at)
    {
        Begin();
        RowFault fault = RowFault.None;
        int expected = 0;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            try
            {
                Name name = Find(ref json, ref expected);
                json.Read();
                if (!name.IsAsked) json.Skip();
                else Take(ref json, text, at, name);
            }
            catch (InvalidOperationException)
            {
                fault = RowFault.Malformed;
                if (json.TokenType == JsonTokenType.PropertyName) json.Skip();
            }
        }
        return fault;
    }

    private bool TryRead(Span<byte> line, int at)
    {
        // Cheaper than an exception for each line of a file that is something else.
        if (line[line.IndexOfAnyExcept(" \t\r\n"u8)] != '{') return false;
        _record++;
        try
        {
            var json = new Utf8JsonReader(line);
            json.Read();
            int expected = 0;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                Name name = Find(ref json, ref expected);
                json.Read();
                if (!name.IsAsked) json.Skip();
                else Take(ref json, line, at, name);
            }
            // What follows the object on its line makes the reader throw.
            return !json.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperation: an escaped half of a surrogate pair.
            return false;
        }
    }

    /// <summary>Whether a line is the beginning of an object and nothing is wrong with it but its end.</summary>
    public static bool IsCut(ReadOnlySpan<byte> line)
    {
        try
        {
            var json = new Utf8JsonReader(line, isFinalBlock: false, default);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return false;
            while (json.Read())
            {
                if (json.CurrentDepth == 0 && json.TokenType == JsonTokenType.EndObject) return false;
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Notes the columns that some record had, and all names. Throws when no record of this file had the first column: see <see cref="IProfileSource.ReadAsync"/>.</summary>
    public void Tell(ColumnsMet met, string place)
    {
        if (_columns.Count > 0) ThrowIfMissing(place, 1);
        met.Records += _record;
        foreach (string name in _discovered.Concat(_names.Select(name => Encoding.UTF8.GetString(name.Text)))) met.Names.Add(name);
        for (int i = 0; i < _columns.Count; i++)
        {
            if (_seen[i]) met.Columns.Add(_columns[i]);
        }
    }

    /// <summary>Throws for the first column that no record had.</summary>
    public void ThrowIfMissing(string place) => ThrowIfMissing(place, _columns.Count);

    private void ThrowIfMissing(string place, int columns)
    {
        // A file without records has no columns, and none is missed: it is zero rows.
        if (_record == 0 && _discovered.Count == 0) return;
        for (int i = 0; i < columns; i++)
        {
            if (!_seen[i]) Columns.Find([_columns[i]], [.. _discovered.Union(_names.Select(name => Encoding.UTF8.GetString(name.Text)))], place);
        }
    }

    internal Name Find(ref Utf8JsonReader json, ref int expected)
    {
        ReadOnlySpan<byte> text = json.ValueIsEscaped ? Unescape(ref json) : json.ValueSpan;
        if (expected < _names.Count && text.SequenceEqual(_names[expected].Text)) return _names[expected++];
        for (int i = 0; i < _names.Count; i++)
        {
            if (!text.SequenceEqual(_names[i].Text)) continue;
            expected = i + 1;
            return _names[i];
        }
        string name = Encoding.UTF8.GetString(text);
        int[] exact = Matching(name, StringComparison.Ordinal);
        var found = new Name(text.ToArray(), exact, [.. Matching(name, StringComparison.OrdinalIgnoreCase).Except(exact)], name == _asWritten);
        if (_names.Count < MostNames) _names.Add(found);
        expected = _names.Count;
        return found;
    }

    private int[] Matching(string name, StringComparison comparison)
        => [.. Enumerable.Range(0, _columns.Count).Where(i => _columns[i].Equals(name, comparison))];

    private void Take(ref Utf8JsonReader json, Span<byte> line, int at, Name name)
    {
        int start = (int)json.TokenStartIndex, length;
        switch (json.TokenType)
        {
            case JsonTokenType.Null:
                length = -1;
                break;
            case JsonTokenType.String:
                start++;
                length = json.ValueSpan.Length;
                if (!json.ValueIsEscaped || name.IsAsWritten) break;
                // Text without its escapes is never longer: it takes the place of what it was made from, which is read.
                ReadOnlySpan<byte> plain = Unescape(ref json);
                plain.CopyTo(line[start..]);
                length = plain.Length;
                break;
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                json.Skip();
                length = (int)json.BytesConsumed - start;
                break;
            default:
                length = json.ValueSpan.Length;
                break;
        }
        Assign(name, new ProfileBatch.Field(at + start, length));
    }

    /// <summary>Gives a value to the columns that its name feeds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Assign(Name name, ProfileBatch.Field field)
    {
        foreach (int column in name.Exact)
        {
            _fields[column] = field;
            _exactIn[column] = _record;
            _seen[column] = true;
        }
        foreach (int column in name.Like)
        {
            _seen[column] = true;
            if (_exactIn[column] != _record) _fields[column] = field;
        }
    }

    /// <summary>Unescapes a text, given with its quotes, where it stands; false for half of a surrogate pair, and then nothing has changed.</summary>
    internal bool TryUnescape(Span<byte> quoted, out int length)
    {
        var json = new Utf8JsonReader(quoted);
        json.Read();
        try
        {
            ReadOnlySpan<byte> plain = Unescape(ref json);
            plain.CopyTo(quoted[1..]);
            length = plain.Length;
            return true;
        }
        catch (InvalidOperationException)
        {
            length = -1;
            return false;
        }
    }

    private ReadOnlySpan<byte> Unescape(ref Utf8JsonReader json)
    {
        if (_scratch.Length < json.ValueSpan.Length) _scratch = new byte[json.ValueSpan.Length * 2];
        return _scratch.AsSpan(0, json.CopyString(_scratch));
    }
}
