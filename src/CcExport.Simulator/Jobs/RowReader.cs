using System.Text.Json;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Jobs;

internal enum RowFate
{
    Good,

    /// <summary>Can be put right in the product: bad address, birthday, anniversary, nothing to identify a person.</summary>
    Correctable,

    /// <summary>Cannot be taken at all.</summary>
    Error,
}

/// <summary>Reads the rows of one import into the stored form, with no string and no object for each.</summary>
internal ref struct RowReader
{
    private const int MaxCustom = 25;
    private const int MaxOfAKind = 3;
    private readonly FieldTable _table;
    private readonly SimulatorSwitches _switches;
    private readonly byte[] _scratch;
    private readonly byte[] _unescaped;
    private readonly List<(byte[] Name, Field? Field)> _order;
    private Utf8JsonReader _json;
    private int _length;
    private int _month;
    private int _day;
    private int _phones;
    private int _addresses;
    private int _customs;

    public RowReader(ReadOnlySpan<byte> rows, FieldTable table, SimulatorSwitches switches)
    {
        // The slice goes on after the array's end, which is never read: the caller knows the number of rows.
        _json = new Utf8JsonReader(rows, isFinalBlock: false, state: default);
        _json.Read();
        Reason = "";
        _table = table;
        _switches = switches;
        _scratch = new byte[256 * 1024];
        _unescaped = new byte[64 * 1024];
        _order = [];
    }

    public ReadOnlySpan<byte> Email { get; private set; }

    public readonly ReadOnlySpan<byte> Fields => _scratch.AsSpan(0, _length);

    /// <summary>What is wrong with the row, as the activity says it.</summary>
    public string Reason { get; private set; }

    public RowFate Next()
    {
        _length = _month = _day = _phones = _addresses = _customs = 0;
        Email = default;
        Reason = "";
        var fate = RowFate.Good;
        _json.Read();
        for (int place = 0; _json.Read() && _json.TokenType == JsonTokenType.PropertyName; place++)
        {
            Field? field = FieldAt(place, out bool unknownCustom);
            _json.Read();
            if (_json.TokenType == JsonTokenType.Null) continue;
            if (field is null)
            {
                if (unknownCustom && _switches.UnknownCustomField == UnknownFieldMode.Error)
                    Fail(ref fate, RowFate.Error, "Unknown custom field");
                continue;
            }

            ReadOnlySpan<byte> value = Value(out bool tooLong);
            if (field.Id == FieldTable.Email)
            {
                Email = value.ToArrayIfIn(_unescaped);
                continue;
            }

            if (value.IsEmpty && !tooLong && _switches.Blanks == BlankMode.Keep) continue;
            if (tooLong || !Values.FitsIn(value, field.MaxLength)) Fail(ref fate, RowFate.Error, $"{field.Name} is too long");
            else if (Check(field, value) is { } problem) Fail(ref fate, problem.Fate, problem.Reason);
            if (fate == RowFate.Good) Append(field.Id, value);
        }

        if ((_month == 0) != (_day == 0)) Fail(ref fate, RowFate.Correctable, "Invalid birthday");
        if (!Values.IsEmail(Email, Math.Min(_switches.EmailMaxLength, 254))) Fail(ref fate, RowFate.Correctable, "Invalid email");
        return fate;
    }

    // The first problem of a row names it.
    private void Fail(ref RowFate fate, RowFate now, string reason)
    {
        if (fate != RowFate.Good) return;
        fate = now;
        Reason = reason;
    }

    /// <summary>Rows of one import nearly always have the same properties in the same order.</summary>
    private readonly Field? FieldAt(int place, out bool unknownCustom)
    {
        unknownCustom = false;
        if (place < _order.Count && !_json.ValueIsEscaped && _json.ValueSpan.SequenceEqual(_order[place].Name))
        {
            unknownCustom = _order[place].Field is null && _order[place].Name.AsSpan().StartsWith("cf:"u8);
            return _order[place].Field;
        }

        string name = _json.GetString()!;
        Field? field = _table.Find(name);
        unknownCustom = field is null && name.StartsWith("cf:", StringComparison.Ordinal);
        if (!_json.ValueIsEscaped)
        {
            var entry = (_json.ValueSpan.ToArray(), field);
            if (place == _order.Count) _order.Add(entry);
            else if (place < _order.Count) _order[place] = entry;
        }

        return field;
    }

    private readonly ReadOnlySpan<byte> Value(out bool tooLong)
    {
        tooLong = _json.ValueSpan.Length > 60_000;
        if (tooLong) return default;
        if (!_json.ValueIsEscaped) return _json.ValueSpan;
        int length = _json.CopyString(_unescaped);
        return _unescaped.AsSpan(0, length);
    }

    private (RowFate Fate, string Reason)? Check(Field field, ReadOnlySpan<byte> value)
    {
        bool filled = !value.IsEmpty;
        switch (field.Kind)
        {
            case FieldKind.Month:
                return Whole(value, 12, out _month) ? null : (RowFate.Correctable, "Invalid birthday");
            case FieldKind.Day:
                return Whole(value, 31, out _day) ? null : (RowFate.Correctable, "Invalid birthday");
            case FieldKind.Anniversary:
                return !filled || Values.IsDate(value) ? null : (RowFate.Correctable, "Invalid anniversary");
            case FieldKind.Phone:
                return ++_phones <= MaxOfAKind ? null : (RowFate.Error, "Too many phone numbers");
            case FieldKind.Address:
                if (field.Name.EndsWith("street", StringComparison.Ordinal)) _addresses++;
                return _addresses <= MaxOfAKind ? null : (RowFate.Error, "Too many addresses");
            case FieldKind.CustomText or FieldKind.CustomDate:
                if (++_customs > MaxCustom) return (RowFate.Error, "Too many custom fields");
                return field.Kind == FieldKind.CustomText || !filled || Values.IsDate(value)
                    ? null
                    : (RowFate.Error, $"Invalid date in {field.Name}");
            default:
                return null;
        }
    }

    private static bool Whole(ReadOnlySpan<byte> value, int max, out int number)
    {
        bool whole = System.Buffers.Text.Utf8Parser.TryParse(value, out number, out int used) && used == value.Length;
        return whole && number >= 1 && number <= max;
    }

    private void Append(ushort id, ReadOnlySpan<byte> value)
    {
        if (FieldCursor.Contains(Fields, id)) Remove(id);
        _length += FieldCursor.Write(_scratch.AsSpan(_length), id, value);
    }

    // A key that stands twice in one row: the later one counts, as JSON readers do.
    private void Remove(ushort id)
    {
        var cursor = new FieldCursor(Fields.ToArray());
        _length = 0;
        while (cursor.Next())
        {
            if (cursor.Id != id) _length += FieldCursor.Write(_scratch.AsSpan(_length), cursor.Id, cursor.Value);
        }
    }
}

internal static class SpanExtensions
{
    /// <summary>A value that lies in a buffer to be used again is copied; one that lies in the body is not.</summary>
    public static ReadOnlySpan<byte> ToArrayIfIn(this ReadOnlySpan<byte> value, byte[] buffer) =>
        value.Overlaps(buffer) ? value.ToArray() : value;
}
