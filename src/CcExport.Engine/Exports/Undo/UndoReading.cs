using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.PreImages;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>What became of a contact of the run that is to be undone.</summary>
[Flags]
internal enum UndoFate : byte
{
    None = 0,
    /// <summary>It was on the list before the run.</summary>
    WasOn = 1,
    /// <summary>It has old values that can be put back.</summary>
    HasOld = 2,
    /// <summary>It is on the list.</summary>
    IsOn = 4,
    /// <summary>Its values are those that the run sent.</summary>
    AsSent = 8,
    Unsubscribed = 16,
    /// <summary>It has been on the list since the run, as far as is remembered.</summary>
    Remembered = 32,
    /// <summary>Another export has had it accepted for the list: it is on it because of that one as well.</summary>
    Others = 64,
}

/// <summary>What an undo counts while it reads.</summary>
internal sealed record UndoCounts(long Read, long Unchanged, long Suppressed, long Noted, long Removed);

/// <summary>
/// Compares what the contacts of a run were before it, what it sent, and what they are now, and says of each what is to be done. It holds some 60 bytes a contact of the run
/// and their keys, and the addresses of those that are to be taken off the list.
/// </summary>
internal sealed class UndoReading(EngineParts parts, RunRecord run, ExportDefinition definition, PreImageRecord image, byte[] key) : IDisposable
{
    private readonly ContactMap _map = ContactMap.Create(definition.Map);
    private readonly SentContacts _contacts = new();
    private UndoFate[] _fates = [];

    /// <summary>Whom to take off the list, and among how many members they were found.</summary>
    private readonly List<byte[]> _removal = [];
    private long _members;

    /// <summary>Who is suppressed by now, by number: no value of theirs is sent.</summary>
    private readonly Dictionary<int, string> _suppressed = [];

    /// <summary>Reads what was kept, and then the list as it is now.</summary>
    public async Task ReadAsync(ConstantContactClient client, RunReporter reporter, ListMemory memory, Suppressed suppressed, IReadOnlyList<CustomField> custom, CancellationToken ct)
    {
        using (PreImageReader reader = Open())
        {
            while (reader.Next() is { } piece) Take(piece.Kind, piece.Records);
        }
        if (_fates.Length == 0) Begin();
        var list = new ListReader(client, parts.Time, parts.Upload);
        using DuplicateIndex unsubscribed = await new ListLook(client, list, reporter, parts.LookContacts).UnsubscribedAsync(ct).ConfigureAwait(false);
        foreach ((UInt128 address, int at) in _contacts.All())
        {
            if (unsubscribed.Contains(address)) _fates[at] |= UndoFate.Unsubscribed;
            if (memory.Knows(address)) _fates[at] |= UndoFate.Remembered;
            if (memory.IsOthers(address)) _fates[at] |= UndoFate.Others;
            if ((_fates[at] & UndoFate.HasOld) != 0 && suppressed.ReasonOf(address) is { } reason) _suppressed[at] = reason;
        }
        reporter.Stage("Looking", "Looking what the contacts are now.");
        var names = new ContactFields(_map, custom);
        uint[] now = new uint[_map.Fields.Length];
        await list.ReadRowsAsync(run.ListId, names.Asked, [], names.Headings, has =>
        {
            if (Array.IndexOf(has, false) is >= 0 and var missing && _contacts.Count > 0)
                throw new CcException("ListNotReadable", CcErrorKind.Service, $"The list could not be read: the service's file has no column for '{_map.Fields[missing].Name}'.",
                    "If that custom field was renamed or removed in Constant Contact, give it its name again; else try later.");
            for (int i = 0; i < _fates.Length; i++) _fates[i] &= ~(UndoFate.IsOn | UndoFate.AsSent);
            _removal.Clear();
            _members = 0;
        }, (batch, _) =>
        {
            for (int row = 0; row < batch.Rows; row++) Compare(batch, row, now);
            _members += batch.Rows;
            return default;
        }, ct).ConfigureAwait(false);
    }

    private PreImageReader Open() => new(parts.Home, image.File!, run.Id, (byte[])key.Clone());

    private void Begin()
    {
        _contacts.Complete();
        _fates = new UndoFate[_contacts.Count];
    }

    private void Take(PieceKind kind, ReadOnlySpan<byte> records)
    {
        if (kind == PieceKind.Old && _fates.Length == 0) Begin();
        while (!records.IsEmpty)
        {
            if (kind == PieceKind.Sent)
            {
                _contacts.Add(SentRecord.Read(ref records));
                continue;
            }
            OldRecord old = OldRecord.Read(ref records);
            if (old.OnList) _fates[old.At] |= UndoFate.WasOn;
            for (ReadOnlySpan<byte> values = old.Values; !values.IsEmpty;)
            {
                if (CanImport(OldRecord.ReadValue(ref values, out int field), field)) _fates[old.At] |= UndoFate.HasOld;
            }
        }
    }

    /// <summary>An import cannot empty a field, and refuses a contact with a date that it does not read.</summary>
    private bool CanImport(ReadOnlySpan<byte> value, int field) => !value.IsEmpty && _map.Fields[field].Kind switch
    {
        FieldKind.Date => DateRules.IsAnniversary(value),
        FieldKind.Month or FieldKind.Day => System.Buffers.Text.Utf8Parser.TryParse(value, out int _, out int used) && used == value.Length,
        _ => true,
    };

    private void Compare(ProfileBatch batch, int row, uint[] now)
    {
        int at = _contacts.Find(SentContact.HashOf(batch[row, 0], default, default, NameFields.None));
        if (at < 0) return;
        for (int i = 0; i < now.Length; i++) now[i] = FieldValues.HashOf(_map.Fields[i], batch[row, i + 1]);
        bool asSent = FieldValues.Together(_contacts.Fields(at), now) == _contacts.Values(at);
        _fates[at] |= UndoFate.IsOn | (asSent ? UndoFate.AsSent : UndoFate.None);
        if (asSent && (_fates[at] & (UndoFate.WasOn | UndoFate.Unsubscribed | UndoFate.Others)) == 0) _removal.Add(batch[row, 0].ToArray());
    }

    /// <summary>Why a contact is left as it is by rule; null: it is not.</summary>
    private string? HoldOut(int at)
    {
        UndoFate fate = _fates[at];
        if ((fate & UndoFate.Unsubscribed) != 0) return Reasons.Unsubscribed;
        if ((fate & UndoFate.IsOn) != 0) return (fate & UndoFate.AsSent) != 0 ? _suppressed.GetValueOrDefault(at) : Reasons.ChangedSince;
        // Not there, never was, and nobody remembers it: the run did not get it there.
        return (fate & (UndoFate.WasOn | UndoFate.Remembered)) != 0 ? Reasons.LeftList : null;
    }

    /// <summary>Writes the old values of those that are as the run left them, and a reason for each that is left as it is.</summary>
    public async Task<UndoCounts> SealAsync(BatchSealer sealer, IRejectionSink sink, CancellationToken ct)
    {
        long suppressed = 0, noted = 0;
        for (int at = 0; at < _fates.Length; at++)
        {
            if (HoldOut(at) is not { } reason) continue;
            suppressed++;
            sink.Add(RejectionKind.Suppressed, _contacts.Row(at), _contacts.Segment(at), _contacts.Key(at), null, reason);
        }
        using PreImageReader reader = Open();
        while (reader.Next() is { } piece)
        {
            if (piece.Kind != PieceKind.Old) continue;
            for (int from = 0; from < piece.Records.Length;)
            {
                if (Put(piece.Records, ref from, sealer, sink, ref noted)) await sealer.SealAsync(ct).ConfigureAwait(false);
            }
        }
        await sealer.CompleteAsync(ct).ConfigureAwait(false);
        return new UndoCounts(_fates.Length, _fates.Length - suppressed - sealer.Contacts, suppressed, noted, _removal.Count);
    }

    /// <summary>Writes down whom the undo takes off the list, as a run in mode Mirror does; null: nobody. Flushed when it completes.</summary>
    public async Task<Removal?> PlanRemovalAsync(ISpool spool, CancellationToken ct)
    {
        var writer = new AddressWriter(spool, Removal.FirstPiece);
        foreach (byte[] address in _removal)
        {
            writer.Add(address, null);
            await writer.WriteFullAsync(ct).ConfigureAwait(false);
        }
        await writer.CompleteAsync(ct).ConfigureAwait(false);
        return writer.Count == 0 ? null : new Removal { Planned = writer.Count, First = Removal.FirstPiece, Pieces = writer.Pieces, Members = _members };
    }

    /// <summary>Takes the old record at <paramref name="from"/>; true when the body must be sealed before the next.</summary>
    private bool Put(byte[] records, ref int from, BatchSealer sealer, IRejectionSink sink, ref long noted)
    {
        ReadOnlySpan<byte> rest = records.AsSpan(from);
        OldRecord old = OldRecord.Read(ref rest);
        from = records.Length - rest.Length;
        UndoFate fate = _fates[old.At];
        if (HoldOut(old.At) is not null || (fate & UndoFate.IsOn) == 0 || old.Values.IsEmpty) return false;
        bool has = (fate & UndoFate.HasOld) != 0;
        if (has)
        {
            sealer.Writer.WriteStartObject();
            sealer.Writer.WriteString(StandardFields.Email, old.Address);
        }
        for (ReadOnlySpan<byte> values = old.Values; !values.IsEmpty;)
        {
            ReadOnlySpan<byte> value = OldRecord.ReadValue(ref values, out int field);
            MappedField mapped = _map.Fields[field];
            if (!CanImport(value, field))
            {
                noted++;
                sink.Add(RejectionKind.Noted, _contacts.Row(old.At), _contacts.Segment(old.At), _contacts.Key(old.At), mapped.Name, value.IsEmpty ? Reasons.NotEmptied : Reasons.ValueLeftOut);
            }
            else if (mapped.Kind is FieldKind.Month or FieldKind.Day)
            {
                System.Buffers.Text.Utf8Parser.TryParse(value, out int number, out _);
                sealer.Writer.WriteNumber(mapped.Key, number);
            }
            else sealer.Writer.WriteString(mapped.Key, value);
        }
        if (!has) return false;
        sealer.Writer.WriteEndObject();
        sealer.Writer.Flush();
        // Content 0: what the list has of it now is nothing that the export sent, so mode Changed sends it again.
        return sealer.Commit(_contacts.Row(old.At), _contacts.Segment(old.At), _contacts.Key(old.At), SentContact.HashOf(old.Address, default, default, NameFields.None), 0);
    }

    public void Dispose() => _contacts.Dispose();
}
