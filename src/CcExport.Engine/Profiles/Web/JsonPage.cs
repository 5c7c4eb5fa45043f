using System.Runtime.CompilerServices;
using System.Text.Json;

namespace CcExport.Engine.Profiles.Web;

/// <summary>
/// Reads one page of an OData answer, row by row: an object with an array <c>value</c> of objects. Fields are slices of the page's own bytes; escaped
/// values are unescaped where they stand, so a page can be read once. What is no such page throws <see cref="JsonException"/>.
/// </summary>
internal ref struct JsonPage
{
    /// <summary>Rows of another shape after which no more shapes are learnt: they are written differently each time.</summary>
    private const int MostShapes = 32;

    private readonly Span<byte> _text;
    private readonly JsonRow _row;
    private Utf8JsonReader _json;
    private JsonReaderState _beforeRows;
    private int _at;
    private bool _inRows, _first, _hadRows, _ended;

    /// <param name="text">Valid UTF-8, a byte order mark left out.</param>
    /// <param name="row">Knows the asked columns; the same one for all pages of a table, so that it remembers how they are written.</param>
    public JsonPage(Span<byte> text, JsonRow row)
    {
        _text = text;
        _row = row;
        _json = new Utf8JsonReader(text);
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject) throw new JsonException();
    }

    /// <summary>The address of the next page as it was sent; known when all rows are read.</summary>
    public string? NextLink { get; private set; }

    /// <summary>The next row, whose asked fields are those of the <see cref="JsonRow"/> until the one after it; false when there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool NextRow(out RowFault fault)
    {
        fault = RowFault.None;
        while (_inRows || SkipToRows())
        {
            if (ToRow())
            {
                fault = ReadRow();
                return true;
            }
            // The array ends here: to a reader that stopped at its beginning it is an empty one.
            _json = new Utf8JsonReader(_text[_at..], isFinalBlock: true, _beforeRows);
            Read();
            _inRows = false;
        }
        return false;
    }

    /// <summary>To the brace of the next row; false: to the bracket behind the last one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool ToRow()
    {
        byte next = NextByte();
        if (next == ']') return false;
        if (!_first)
        {
            if (next != ',') throw new JsonException();
            _at++;
            next = NextByte();
        }
        _first = false;
        return next == '{' ? true : throw new JsonException();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte NextByte()
    {
        while (_at < _text.Length)
        {
            byte next = _text[_at];
            if (next is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')) return next;
            _at++;
        }
        throw new JsonException();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RowFault ReadRow()
    {
        int end = _row.Shape?.Match(_text, _at) ?? -1;
        if (end >= 0)
        {
            _at = end;
            return _row.Shape!.Fill(_row, _text);
        }
        if (_row.Unlike++ < MostShapes) _row.Shape = JsonShape.Learn(_text, _at, _row);
        Span<byte> rest = _text[_at..];
        var json = new Utf8JsonReader(rest);
        json.Read();
        RowFault fault = _row.Read(ref json, rest, _at);
        _at += (int)json.BytesConsumed;
        return fault;
    }

    /// <summary>To the rows, or the end of the page.</summary>
    private bool SkipToRows()
    {
        if (_ended) return false;
        while (true)
        {
            Read();
            if (_json.TokenType == JsonTokenType.EndObject) break;
            bool rows = _json.ValueTextEquals("value"u8), link = !rows && _json.ValueTextEquals("@odata.nextLink"u8);
            Read();
            if (rows)
            {
                if (_hadRows || _json.TokenType != JsonTokenType.StartArray) throw new JsonException();
                _beforeRows = _json.CurrentState;
                _at = (int)_json.BytesConsumed;
                return _inRows = _first = _hadRows = true;
            }
            if (link && _json.TokenType == JsonTokenType.String) NextLink = _json.GetString();
            else _json.Skip();
        }
        _ended = true;
        // What follows the object makes the reader throw.
        if (!_hadRows || _json.Read()) throw new JsonException();
        return false;
    }

    private void Read()
    {
        if (!_json.Read()) throw new JsonException();
    }
}
