using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace CcExport.Simulator.State;

/// <summary>All contacts of the account, found by address or by place, in about 60 bytes each beside their own text.</summary>
internal sealed class ContactStore
{
    private const int PageBits = 14;
    private const int MaxAddress = 255;
    private readonly List<ContactRow[]> _pages = [];
    private ByteArena _arena = new();
    private int[] _table = new int[1 << 12];
    private byte[] _merged = new byte[8_192];
    private int _slots;

    public int Count { get; private set; }

    public long Bytes => _arena.Allocated + _pages.Count * (48L << PageBits) + _table.Length * 4L;

    public ref ContactRow this[int index] => ref _pages[index >> PageBits][index & ((1 << PageBits) - 1)];

    public ReadOnlySpan<byte> Payload(int index)
    {
        ref ContactRow row = ref this[index];
        return _arena.Slice(row.Payload, row.Length);
    }

    public ReadOnlySpan<byte> Email(int index)
    {
        ReadOnlySpan<byte> payload = Payload(index);
        return payload.Slice(1, payload[0]);
    }

    public FieldCursor Fields(int index)
    {
        ReadOnlySpan<byte> payload = Payload(index);
        return new FieldCursor(payload[(1 + payload[0])..]);
    }

    public int Find(ReadOnlySpan<byte> email) => Find(email, HashOf(email));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Find(ReadOnlySpan<byte> email, int hash)
    {
        int mask = _table.Length - 1;
        for (int slot = hash & mask; _table[slot] != 0; slot = (slot + 1) & mask)
        {
            int index = _table[slot] - 1;
            if (this[index].Hash == hash && Ascii.EqualsIgnoreCase(Email(index), email)) return index;
        }

        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int HashOf(ReadOnlySpan<byte> email)
    {
        Span<byte> lower = stackalloc byte[MaxAddress];
        email = email[..Math.Min(email.Length, MaxAddress)];
        if (Ascii.ToLower(email, lower, out int written) != System.Buffers.OperationStatus.Done) return 0;
        var hash = new HashCode();
        hash.AddBytes(lower[..written]);
        return hash.ToHashCode();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Add(ReadOnlySpan<byte> email, int hash, ReadOnlySpan<byte> fields, Permission permission, long now)
    {
        MakeSlot();
        int index = Count++;
        if (index >> PageBits == _pages.Count) _pages.Add(new ContactRow[1 << PageBits]);
        Span<byte> merged = Scratch(1 + email.Length + fields.Length);
        merged[0] = (byte)email.Length;
        email.CopyTo(merged[1..]);
        fields.CopyTo(merged[(1 + email.Length)..]);
        this[index] = new ContactRow
        {
            Payload = _arena.Add(merged),
            Length = merged.Length,
            Hash = hash,
            CreatedTicks = now,
            UpdatedTicks = now,
            Permission = permission,
        };
        Place(index);
        return index;
    }

    /// <summary>Overwrites the given fields and keeps the others; an empty value takes its field away. False when all were so already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Update(int index, ReadOnlySpan<byte> fields)
    {
        ref ContactRow row = ref this[index];
        Span<byte> old = _arena.Slice(row.Payload, row.Length);
        int head = 1 + old[0];
        if (FieldCursor.Holds(old[head..], fields)) return false;
        Span<byte> merged = Scratch(row.Length + fields.Length);
        old[..head].CopyTo(merged);
        int length = head;
        var kept = new FieldCursor(old[head..]);
        while (kept.Next())
        {
            if (FieldCursor.Contains(fields, kept.Id)) continue;
            kept.Whole.CopyTo(merged[length..]);
            length += kept.Whole.Length;
        }

        var added = new FieldCursor(fields);
        while (added.Next())
        {
            if (added.Value.IsEmpty) continue;
            added.Whole.CopyTo(merged[length..]);
            length += added.Whole.Length;
        }

        merged = merged[..length];
        if (length <= row.Length)
        {
            merged.CopyTo(old);
            _arena.Wasted += row.Length - length;
        }
        else
        {
            _arena.Wasted += row.Length;
            row.Payload = _arena.Add(merged);
        }

        row.Length = length;
        if (_arena.Wasted > 32 << 20 && _arena.Wasted * 2 > _arena.Allocated) Compact();
        return true;
    }

    /// <summary>Gives a contact another address. Its old slot stays in the table, where it finds nobody, until the table grows.</summary>
    public void Rename(int index, ReadOnlySpan<byte> email, int hash)
    {
        ref ContactRow row = ref this[index];
        Span<byte> old = _arena.Slice(row.Payload, row.Length);
        ReadOnlySpan<byte> fields = old[(1 + old[0])..];
        Span<byte> merged = Scratch(1 + email.Length + fields.Length);
        merged[0] = (byte)email.Length;
        email.CopyTo(merged[1..]);
        fields.CopyTo(merged[(1 + email.Length)..]);
        _arena.Wasted += row.Length;
        row.Payload = _arena.Add(merged);
        row.Length = merged.Length;
        if (row.Hash == hash) return;
        MakeSlot();
        row.Hash = hash;
        Place(index);
    }

    private Span<byte> Scratch(int length)
    {
        if (_merged.Length < length) _merged = new byte[length * 2];
        return _merged.AsSpan(0, length);
    }

    private void Compact()
    {
        var fresh = new ByteArena();
        for (int index = 0; index < Count; index++)
        {
            ref ContactRow row = ref this[index];
            row.Payload = fresh.Add(_arena.Slice(row.Payload, row.Length));
        }

        _arena = fresh;
    }

    private void MakeSlot()
    {
        if ((_slots + 1) * 5L > _table.Length * 3L) Grow();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Grow()
    {
        _table = new int[_table.Length * 2];
        _slots = 0;
        for (int index = 0; index < Count; index++) Place(index);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Place(int index)
    {
        int mask = _table.Length - 1;
        int slot = this[index].Hash & mask;
        while (_table[slot] != 0) slot = (slot + 1) & mask;
        _table[slot] = index + 1;
        _slots++;
    }
}

/// <summary>Walks the fields of one contact.</summary>
internal ref struct FieldCursor(ReadOnlySpan<byte> fields)
{
    // A value this long or longer has its length behind the first two bytes.
    private const int Long = 255;
    private ReadOnlySpan<byte> _rest = fields;

    public ushort Id { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    public ReadOnlySpan<byte> Whole { get; private set; }

    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        Id = _rest[0];
        int head = 2;
        int length = _rest[1];
        if (length == Long)
        {
            head = 4;
            length = BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]);
        }

        Whole = _rest[..(head + length)];
        Value = Whole[head..];
        _rest = _rest[(head + length)..];
        return true;
    }

    public static bool Contains(ReadOnlySpan<byte> fields, ushort id)
    {
        var cursor = new FieldCursor(fields);
        while (cursor.Next())
        {
            if (cursor.Id == id) return true;
        }

        return false;
    }

    /// <summary>Whether all of the given values are in force already; one that is not there is as good as an empty one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool Holds(ReadOnlySpan<byte> fields, ReadOnlySpan<byte> wanted)
    {
        // An import that is repeated brings the same fields in the same order.
        if (fields.SequenceEqual(wanted)) return true;
        var cursor = new FieldCursor(wanted);
        while (cursor.Next())
        {
            if (!cursor.Value.SequenceEqual(ValueOf(fields, cursor.Id))) return false;
        }

        return true;
    }

    private static ReadOnlySpan<byte> ValueOf(ReadOnlySpan<byte> fields, ushort id)
    {
        var cursor = new FieldCursor(fields);
        while (cursor.Next())
        {
            if (cursor.Id == id) return cursor.Value;
        }

        return default;
    }

    /// <summary>Writes one field in the stored form; returns its whole length.</summary>
    public static int Write(Span<byte> target, ushort id, ReadOnlySpan<byte> value)
    {
        int head = 2;
        target[0] = (byte)id;
        target[1] = (byte)Math.Min(value.Length, Long);
        if (value.Length >= Long)
        {
            head = 4;
            BinaryPrimitives.WriteUInt16LittleEndian(target[2..], (ushort)value.Length);
        }

        value.CopyTo(target[head..]);
        return head + value.Length;
    }
}
