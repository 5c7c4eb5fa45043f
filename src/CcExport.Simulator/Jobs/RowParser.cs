using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Jobs;

internal enum RowFate : byte
{
    Good,

    /// <summary>Can be put right in the product: bad address, birthday, anniversary, nothing to identify a person.</summary>
    Correctable,

    /// <summary>Cannot be taken at all.</summary>
    Error,
}

/// <summary>
/// Turns the rows of one import into the stored form while they are read, with no string and no object for each: the body is gone
/// through once, and the job keeps about half of its bytes. The methods that see each value are compiled at their best from the first
/// call on: one import is a loop too long for a first draft.
/// </summary>
internal sealed class RowParser(FieldTable table, SimulatorSwitches switches, int bodyLength) : IDisposable
{
    private const int MaxCustom = 25;
    private const int MaxOfAKind = 3;
    private const int MaxValue = 60_000;
    private const int MaxAddress = 254;
    private readonly byte[] _fields = ArrayPool<byte>.Shared.Rent(128 * 1024);
    private readonly byte[] _email = new byte[MaxAddress];
    private readonly byte[] _unescaped = ArrayPool<byte>.Shared.Rent(MaxValue);
    private readonly List<(byte[] Name, Field? Field)> _order = [];
    private byte[] _out = ArrayPool<byte>.Shared.Rent(Math.Max(bodyLength, 512));
    private int _outLength;
    private int _fieldsLength;
    private int _emailLength;
    private int _month;
    private int _day;
    private int _phones;
    private int _addresses;
    private int _customs;
    private RowFate _fate;
    private string _reason = "";

    /// <summary>What was wrong with rows, each sentence once.</summary>
    public List<string> Reasons { get; } = [];

    /// <summary>Where the next row goes; setting it back takes rows away.</summary>
    public int Mark
    {
        get => _outLength;
        set => _outLength = value;
    }

    /// <summary>A copy of just the size it needs: many imports may wait at once.</summary>
    public byte[] Rows => _out.AsSpan(0, _outLength).ToArray();

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_fields);
        ArrayPool<byte>.Shared.Return(_unescaped);
        ArrayPool<byte>.Shared.Return(_out);
    }

    /// <summary>Reads the row whose opening brace was read. Gives the name of a property whose value is no plain one, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public string? Read(ref Utf8JsonReader json, bool keep)
    {
        _fieldsLength = _emailLength = _month = _day = _phones = _addresses = _customs = 0;
        _fate = RowFate.Good;
        for (int place = 0; json.Read() && json.TokenType == JsonTokenType.PropertyName; place++)
        {
            Field? field = FieldAt(ref json, place, out bool isCustom);
            json.Read();
            switch (json.TokenType)
            {
                case JsonTokenType.Null:
                    continue;
                case JsonTokenType.String:
                    break;
                case JsonTokenType.Number when field is { Kind: FieldKind.Month or FieldKind.Day }:
                    break;
                default:
                    return field?.Name ?? (place < _order.Count ? Encoding.UTF8.GetString(_order[place].Name) : "property");
            }

            ReadOnlySpan<byte> value = Value(ref json, out bool tooLong);
            if (field is not null) Take(field, value, tooLong);
            else if (isCustom && switches.UnknownCustomField == UnknownFieldMode.Error) Fail(RowFate.Error, "Unknown custom field");
        }

        if ((_month == 0) != (_day == 0)) Fail(RowFate.Correctable, "Invalid birthday");
        if (!Values.IsEmail(_email.AsSpan(0, _emailLength), switches.EmailMaxLength)) Fail(RowFate.Correctable, "Invalid email");
        if (keep) Write();
        return null;
    }

    /// <summary>One row: fate; then of a bad one the number of its reason (2), of a good one the length of the rest (4), address and fields.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write()
    {
        int needed = _outLength + 6 + _emailLength + _fieldsLength;
        if (needed > _out.Length) Grow(needed);
        Span<byte> target = _out.AsSpan(_outLength);
        target[0] = (byte)_fate;
        if (_fate != RowFate.Good)
        {
            int number = Reasons.IndexOf(_reason);
            if (number < 0)
            {
                number = Reasons.Count;
                Reasons.Add(_reason);
            }

            BinaryPrimitives.WriteUInt16LittleEndian(target[1..], (ushort)number);
            _outLength += 3;
            return;
        }

        BinaryPrimitives.WriteInt32LittleEndian(target[1..], 1 + _emailLength + _fieldsLength);
        target[5] = (byte)_emailLength;
        _email.AsSpan(0, _emailLength).CopyTo(target[6..]);
        _fields.AsSpan(0, _fieldsLength).CopyTo(target[(6 + _emailLength)..]);
        _outLength = needed;
    }

    private void Grow(int needed)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, _out.Length * 2));
        _out.AsSpan(0, _outLength).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_out);
        _out = larger;
    }

    // The first problem of a row names it.
    private void Fail(RowFate fate, string reason)
    {
        if (_fate != RowFate.Good) return;
        _fate = fate;
        _reason = reason;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Take(Field field, ReadOnlySpan<byte> value, bool tooLong)
    {
        if (field.Id == FieldTable.Email)
        {
            // An address that does not fit is no address: what is left is refused as one.
            _emailLength = tooLong || value.Length > _email.Length ? 0 : value.Length;
            value[.._emailLength].CopyTo(_email);
            return;
        }

        if (value.IsEmpty && !tooLong && switches.Blanks == BlankMode.Keep) return;
        if (tooLong || !Values.FitsIn(value, field.MaxLength)) Fail(RowFate.Error, $"{field.Name} is too long");
        else if (field.Kind != FieldKind.Text) Check(field, value);
        if (_fate != RowFate.Good) return;
        if (FieldCursor.Contains(_fields.AsSpan(0, _fieldsLength), field.Id)) Remove(field.Id);
        _fieldsLength += FieldCursor.Write(_fields.AsSpan(_fieldsLength), field.Id, value);
    }

    /// <summary>Rows of one import nearly always have the same properties in the same order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Field? FieldAt(ref Utf8JsonReader json, int place, out bool isCustom)
    {
        if (place < _order.Count && !json.ValueIsEscaped && json.ValueSpan.SequenceEqual(_order[place].Name))
        {
            Field? known = _order[place].Field;
            isCustom = known is null && _order[place].Name.AsSpan().StartsWith("cf:"u8);
            return known;
        }

        string name = json.GetString()!;
        Field? field = table.Find(name);
        isCustom = name.StartsWith("cf:", StringComparison.Ordinal);
        var entry = (Encoding.UTF8.GetBytes(name), field);
        if (place == _order.Count) _order.Add(entry);
        else if (place < _order.Count) _order[place] = entry;
        return field;
    }

    private ReadOnlySpan<byte> Value(ref Utf8JsonReader json, out bool tooLong)
    {
        tooLong = json.ValueSpan.Length > MaxValue;
        if (!json.ValueIsEscaped) return tooLong ? default : json.ValueSpan;

        // A lone surrogate in an escape throws here, in the call, and not later in the job.
        if (!tooLong) return _unescaped.AsSpan(0, json.CopyString(_unescaped));
        json.GetString();
        return default;
    }

    private void Check(Field field, ReadOnlySpan<byte> value)
    {
        switch (field.Kind)
        {
            case FieldKind.Month when !Values.IsWhole(value, 12, out _month):
            case FieldKind.Day when !Values.IsWhole(value, 31, out _day):
                Fail(RowFate.Correctable, "Invalid birthday");
                break;
            case FieldKind.Anniversary when !value.IsEmpty && !Values.IsDate(value):
                Fail(RowFate.Correctable, "Invalid anniversary");
                break;
            case FieldKind.Phone when ++_phones > MaxOfAKind:
                Fail(RowFate.Error, "Too many phone numbers");
                break;
            case FieldKind.Address when field.Name.EndsWith("street", StringComparison.Ordinal) && ++_addresses > MaxOfAKind:
                Fail(RowFate.Error, "Too many addresses");
                break;
            case FieldKind.CustomText or FieldKind.CustomDate when ++_customs > MaxCustom:
                Fail(RowFate.Error, "Too many custom fields");
                break;
            case FieldKind.CustomDate when !value.IsEmpty && !Values.IsDate(value):
                Fail(RowFate.Error, $"Invalid date in {field.Name}");
                break;
        }
    }

    // A key that stands twice in one row: the later one counts, as JSON readers do.
    private void Remove(ushort id)
    {
        var cursor = new FieldCursor(_fields.AsSpan(0, _fieldsLength).ToArray());
        _fieldsLength = 0;
        while (cursor.Next())
        {
            if (cursor.Id != id) _fieldsLength += FieldCursor.Write(_fields.AsSpan(_fieldsLength), cursor.Id, cursor.Value);
        }
    }
}

/// <summary>Walks the rows that <see cref="RowParser"/> has written.</summary>
internal ref struct RowCursor(ReadOnlySpan<byte> rows)
{
    private ReadOnlySpan<byte> _rest = rows;

    public RowFate Fate { get; private set; }

    public int Reason { get; private set; }

    public ReadOnlySpan<byte> Email { get; private set; }

    public ReadOnlySpan<byte> Fields { get; private set; }

    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        Fate = (RowFate)_rest[0];
        if (Fate != RowFate.Good)
        {
            Reason = BinaryPrimitives.ReadUInt16LittleEndian(_rest[1..]);
            _rest = _rest[3..];
            return true;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(_rest[1..]);
        ReadOnlySpan<byte> row = _rest.Slice(5, length);
        _rest = _rest[(5 + length)..];
        Email = row.Slice(1, row[0]);
        Fields = row[(1 + row[0])..];
        return true;
    }
}
