using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Mapping;

/// <summary>What is to be noted of a contact: about which field (position in the map; -1 is the address) and what.</summary>
internal readonly record struct ValueNote(int Field, string Reason);

/// <summary>
/// Profile to contact, or a reason why not. A batch is judged in two passes: first every address, then row by row; so the
/// look-ups in the duplicate index can be fetched ahead. Methods that every profile passes through are compiled at their best from the
/// first call on: a million are over in a second or two, and much of that would go by in code that is only being watched.
/// </summary>
internal sealed class ProfileMapper(ContactMap map, DuplicateIndex index)
{
    /// <summary>Rows between asking for a cache line and needing it: enough for memory to answer.</summary>
    private const int Ahead = 12;

    private readonly List<ValueNote> _notes = [];
    private readonly byte[] _lower = new byte[Limits.Email];
    private ProfileBatch? _batch;
    private Judged[] _judged = [];
    private bool[] _roles = [];
    private readonly uint[] _roleMasks = RoleAddresses.Masks;

    private struct Judged
    {
        public UInt128 Hash;
        /// <summary>Null: the column's own bytes, trimmed.</summary>
        public byte[]? Ascii;
        public string? Reason;
    }

    /// <summary>What was cut or left out of the row last encoded, and what is odd about its address.</summary>
    public IReadOnlyList<ValueNote> Notes => _notes;

    /// <summary>Position of the column whose newest value wins; -1: the first profile of an address does.</summary>
    public int NewestColumn { get; set; } = -1;

    /// <summary>
    /// The other profile of the row last decided: of a duplicate the one it lost to, of a row that is to be sent the one that it takes
    /// the place of (0: none).
    /// </summary>
    public uint Rival { get; private set; }

    /// <summary>Values in that column that are neither blank nor to be read as a date or a number.</summary>
    public long Unreadable { get; private set; }

    /// <summary>Hash of a row's address; of one that is none, of its text; zero where there is nothing.</summary>
    public UInt128 HashOf(int row) => _judged[row].Hash;

    /// <summary>Takes a batch: judges every address of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Begin(ProfileBatch batch)
    {
        _batch = batch;
        if (_judged.Length < batch.Rows)
        {
            _judged = new Judged[Math.Max(batch.Rows, batch.Capacity)];
            _roles = new bool[_judged.Length];
        }
        for (int row = 0; row < batch.Rows; row++)
        {
            ref Judged judged = ref _judged[row];
            judged.Reason = null;
            judged.Ascii = null;
            switch (batch.FaultOf(row))
            {
                case RowFault.FieldCount:
                    judged.Hash = default;
                    judged.Reason = Reasons.RowFieldCount;
                    continue;
                case RowFault.Malformed:
                    judged.Hash = default;
                    judged.Reason = Reasons.RowMalformed;
                    continue;
            }
            ReadOnlySpan<byte> address = Utf8Text.Trim(batch[row, 0]);
            if (EmailRules.IsPlain(address, _lower, out int local))
            {
                judged.Hash = XxHash128.HashToUInt128(_lower.AsSpan(0, address.Length));
                _roles[row] = RoleAddresses.Has(_lower.AsSpan(0, address.Length), local, _roleMasks);
                if (row < Ahead) index.Prefetch(judged.Hash);
                continue;
            }
            EmailVerdict verdict = EmailRules.Judge(address, out judged.Ascii);
            if (verdict != EmailVerdict.Good)
            {
                // A person may ask what became of it.
                judged.Hash = verdict == EmailVerdict.Missing ? default : AddressHash.OfText(address);
                judged.Reason = verdict switch
                {
                    EmailVerdict.Missing => Reasons.EmailMissing,
                    EmailVerdict.NotAscii => Reasons.EmailNotAscii,
                    EmailVerdict.TooLong => Reasons.EmailTooLong,
                    _ => Reasons.EmailMalformed,
                };
                continue;
            }
            if (judged.Ascii is not null) address = judged.Ascii;
            Ascii.ToLower(address, _lower, out int length);
            judged.Hash = XxHash128.HashToUInt128(_lower.AsSpan(0, length));
            _roles[row] = RoleAddresses.Has(_lower.AsSpan(0, length), local: 0, _roleMasks);
            if (row < Ahead) index.Prefetch(judged.Hash);
        }
    }

    /// <summary>The fate of a row: null when it is to be sent, else the reason id. Each row once, in order; see <see cref="Rival"/>.</summary>
    /// <param name="number">The profile's number in the run, from 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public string? Decide(int row, uint number)
    {
        if (row + Ahead < _batch!.Rows && _judged[row + Ahead].Reason is null) index.Prefetch(_judged[row + Ahead].Hash);
        ref Judged judged = ref _judged[row];
        Rival = 0;
        if (judged.Reason is { } reason) return reason;
        if (NewestColumn >= 0) return DecideByNewest(row, judged.Hash, number);
        Rival = index.Add(judged.Hash, number);
        return Rival == 0 ? null : Reasons.Duplicate;
    }

    private string? DecideByNewest(int row, UInt128 hash, uint number)
    {
        ReadOnlySpan<byte> value = Utf8Text.Trim(_batch![row, NewestColumn]);
        Int128 newness = Newness.Of(value);
        if (newness == Newness.None && !value.IsEmpty) Unreadable++;
        Rival = index.Add(hash, number, newness, out bool wins);
        return wins ? null : Reasons.Duplicate;
    }

    /// <summary>Writes the row as a contact. Blank values are left out: the service keeps what it has for a field that is not sent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Encode(int row, Utf8JsonWriter writer)
    {
        ProfileBatch batch = _batch!;
        if (_notes.Count > 0) _notes.Clear();
        if (_roles[row]) _notes.Add(new ValueNote(-1, Reasons.RoleAddress));
        writer.WriteStartObject();
        writer.WriteString(EmailKey, _judged[row].Ascii ?? Utf8Text.Trim(batch[row, 0]));
        MappedField[] fields = map.Fields;
        for (int i = 0; i < fields.Length; i++)
        {
            ref readonly MappedField field = ref fields[i];
            ReadOnlySpan<byte> value = batch[row, field.Column];
            if (value.IsEmpty) continue;
            value = Utf8Text.Trim(value);
            if (value.IsEmpty) continue;
            if (field.Kind != FieldKind.Text)
            {
                EncodeChecked(row, i, value, writer);
                continue;
            }
            if (!Utf8Text.Fits(value, field.Limit))
            {
                value = Utf8Text.Cut(value, field.Limit);
                _notes.Add(new ValueNote(i, Reasons.ValueCut));
                if (value.IsEmpty) continue;
            }
            writer.WriteString(field.Key, value);
        }
        writer.WriteEndObject();
    }

    private static readonly JsonEncodedText EmailKey = JsonEncodedText.Encode(StandardFields.Email);

    /// <summary>Birthday and anniversary: a value the import would refuse costs the whole contact there, so it is left out here.</summary>
    private void EncodeChecked(int row, int at, ReadOnlySpan<byte> value, Utf8JsonWriter writer)
    {
        ref readonly MappedField field = ref map.Fields[at];
        if (field.Kind == FieldKind.Date)
        {
            if (DateRules.IsAnniversary(value)) writer.WriteString(field.Key, value);
            else _notes.Add(new ValueNote(at, Reasons.ValueLeftOut));
            return;
        }
        int otherAt = field.Kind == FieldKind.Month ? map.BirthdayDay : map.BirthdayMonth;
        ReadOnlySpan<byte> other = Utf8Text.Trim(_batch![row, map.Fields[otherAt].Column]);
        bool month = field.Kind == FieldKind.Month;
        if (DateRules.IsBirthday(month ? value : other, month ? other : value, out int m, out int d)) writer.WriteNumber(field.Key, month ? m : d);
        else _notes.Add(new ValueNote(at, Reasons.ValueLeftOut));
    }
}
