using System.Runtime.CompilerServices;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>What was counted while reading.</summary>
internal sealed class ReadCounts
{
    public long Read, Invalid, Duplicate, Suppressed, Unchanged, Noted;

    /// <summary>Of those to be sent, who is proved not to be on the list, and who is remembered and still there.</summary>
    public long New, Remembered;

    /// <summary>Of the noted ones: contacts with the address of a role.</summary>
    public long RoleAddresses;

    /// <summary>Values in the column whose newest wins that are neither a date nor a number.</summary>
    public long NewnessUnreadable;

    /// <summary>Of the invalid ones: rows that cannot be taken apart, so that nobody knows whose they are.</summary>
    public long Unreadable;

    /// <summary>There was more than was asked for.</summary>
    public bool CutShort;

    /// <summary>Profiles read of each segment.</summary>
    public Dictionary<string, long> Segments { get; } = [];

    /// <summary>Profiles that a newer one has beaten lose the fate they had, and are duplicates.</summary>
    public void Settle(Duplicates duplicates)
    {
        Duplicate += duplicates.Beaten;
        Unchanged -= duplicates.BeatenUnchanged;
        New -= duplicates.BeatenNew;
        Remembered -= duplicates.BeatenRemembered;
        foreach (((RejectionKind kind, string reason), long said) in duplicates.SaidOfBeaten)
        {
            if (kind == RejectionKind.Suppressed) Suppressed -= said;
            else Noted -= said;
            if (reason == Reasons.RoleAddress) RoleAddresses -= said;
        }
    }

    /// <summary>What a person should know when all is read.</summary>
    /// <param name="run">The run whose rejections name them; null: a preview.</param>
    public IEnumerable<string> Warnings(string? preferNewest, long? run = null)
    {
        if (RoleAddresses > 0)
        {
            yield return FormattableString.Invariant(
                $"{RoleAddresses:N0} of the contacts have the address of a role (info@, sales@ and the like), which Constant Contact's policy forbids.{(run is { } id ? $" Get-CcRejection {id} -Reason RoleAddress lists them." : "")}");
        }
        if (NewnessUnreadable > 0)
        {
            yield return FormattableString.Invariant(
                $"{NewnessUnreadable:N0} values of the column '{preferNewest}' are neither a date nor a number: a profile with such a value takes no other's place.");
        }
    }
}

/// <summary>Told of a contact that was just encoded: the number of its profile in the run, and its key (empty: it has none).</summary>
internal delegate void ContactWatcher(uint number, ReadOnlySpan<byte> key);

/// <summary>
/// Who of the good addresses is not sent, by rule or because nothing has changed. Asked once for each address, in order; where the newest profile wins,
/// again for each that is newer, and the last answers stand.
/// </summary>
internal interface IContactGate
{
    /// <summary>The reason id of a rule that holds it out; null: none.</summary>
    string? HoldOut(UInt128 address);

    /// <summary>It was accepted before just as it would be sent now.</summary>
    bool IsUnchanged(UInt128 address, ulong content);

    /// <summary>What is known of an address that is to be sent.</summary>
    Standing StandingOf(UInt128 address);
}

/// <summary>Whether a contact is on the list already.</summary>
internal enum Standing : byte
{
    NotKnown,
    /// <summary>It is proved not to be there.</summary>
    New,
    /// <summary>An export to the list remembers it, and it is still there.</summary>
    Remembered,
}

/// <summary>
/// Reads the segments of a run, one after the other or, where the source can, together; maps each profile and gives it its one fate: sealed into a batch, or a
/// rejection. Streams: what it holds is a batch of rows, the body in the making, the duplicate index, and who lost to whom.
/// </summary>
/// <param name="preferNewest">
/// The column whose newest value wins among profiles of one address; null: the first one does. A later profile that is newer is sealed as well, and the
/// one that it beats has to be taken out of its batch afterwards (<see cref="Duplicates"/>): until then nobody knows who wins.
/// </param>
/// <param name="remembered">Addresses that are held in any case; most of those that are read, in a run that is not the first.</param>
internal sealed class RunReader(
    IProfileSource source, IReadOnlyList<string> segments, ContactMap map, string? keyProperty, long maxProfiles, IContactGate? gate = null, ITraceSink? trace = null, string? preferNewest = null, FingerprintTable? remembered = null)
{
    private const int RowsBetweenReports = 64 * 1024;

    /// <summary>A profile without a number of its own cannot be beaten: where that counts, there are no more than have one.</summary>
    private readonly long _most = preferNewest is null ? maxProfiles : Math.Min(maxProfiles, DuplicateIndex.Unnumbered - 1);

    /// <summary>Who lost to whom; whole once all is read.</summary>
    public Duplicates Duplicates { get; } = new();

    /// <summary>The column that identifies a profile in a segment; null when it has none.</summary>
    private string? KeyOf(IReadOnlyList<string> columns, string segment)
    {
        string? key = keyProperty is null
            // Nobody asked for these: one that a header has twice is no key, and no error.
            ? CcEngine.KeyCandidates.Select(c => columns.Where(x => x.Equals(c, StringComparison.OrdinalIgnoreCase)).ToList()).FirstOrDefault(x => x.Count == 1)?[0]
            : Columns.Spell([keyProperty], columns, source, segment)[0];
        // Of a name that no record has had yet it is not known how it is spelled.
        string address = Columns.Spell([map.Columns[0]], columns, source, segment)[0];
        if (key is null || !key.Equals(address, columns.Contains(key) && columns.Contains(address) ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase)) return key;
        if (keyProperty is null) return null;
        throw new CcException("KeyIsAddress", CcErrorKind.InvalidArgument,
            $"'{keyProperty}' is the column with the address; rejections are joined by the key, and never hold an address.",
            "Name another column with -KeyProperty, or leave it out.");
    }

    /// <summary>Reads all. <c>TooManyProfiles</c> (Limit) as soon as there are more than the run may have.</summary>
    /// <param name="most">Stop after so many profiles (a preview of the first); null: all.</param>
    /// <param name="committed">Called after each contact that was encoded; for samples.</param>
    public async Task ReadAsync(
        BatchSealer sealer, IRejectionSink sink, ReadCounts counts, long? most, Action<ReadCounts> report, ContactWatcher? committed, CancellationToken ct)
    {
        using var index = new DuplicateIndex(withNewness: preferNewest is not null, remembered?.Count ?? 0, remembered is null ? null : remembered.Find);
        var mapper = new ProfileMapper(map, index);
        await ReadAllAsync(mapper, sealer, sink, counts, most, report, committed, ct).ConfigureAwait(false);
        Duplicates.Close();
        counts.Settle(Duplicates);
        counts.NewnessUnreadable = mapper.Unreadable;
        report(counts);
    }

    private async Task ReadAllAsync(
        ProfileMapper mapper, BatchSealer sealer, IRejectionSink sink, ReadCounts counts, long? most, Action<ReadCounts> report, ContactWatcher? committed, CancellationToken ct)
    {
        var rows = new RowTaker(this, mapper, sealer, sink, counts, most, report, committed);
        foreach (string name in segments) counts.Segments[name] = 0;
        if (segments.Count > 1 && source is IReadsTogether together)
        {
            (List<string> asked, int keyColumn) = await AskAsync(mapper, segments[0], ct).ConfigureAwait(false);
            await foreach ((int segment, ProfileBatch batch) in together.ReadTogetherAsync(segments, asked, ct).ConfigureAwait(false))
            {
                if (!await rows.TakeAsync(batch, segment, keyColumn, ct).ConfigureAwait(false)) return;
            }
            return;
        }
        for (int segment = 0; segment < segments.Count; segment++)
        {
            (List<string> asked, int keyColumn) = await AskAsync(mapper, segments[segment], ct).ConfigureAwait(false);
            await foreach (ProfileBatch batch in source.ReadAsync(segments[segment], asked, ct).ConfigureAwait(false))
            {
                if (!await rows.TakeAsync(batch, segment, keyColumn, ct).ConfigureAwait(false)) return;
            }
        }
    }

    /// <summary>What a segment is asked for, and where among it the key is; -1: it has none.</summary>
    private async Task<(List<string> Columns, int Key)> AskAsync(ProfileMapper mapper, string name, CancellationToken ct)
    {
        IReadOnlyList<string> existing = await source.GetColumnsAsync(name, ct).ConfigureAwait(false);
        string? key = KeyOf(existing, name);
        // As the segment spells them, so that one column that is asked for in two spellings is known to be one.
        List<string> asked = [.. Columns.Spell(map.Columns, existing, source, name)];
        int keyColumn = key is null ? -1 : PositionOf(key, asked);
        if (preferNewest is not null) mapper.NewestColumn = PositionOf(Columns.Spell([preferNewest], existing, source, name)[0], asked);
        Duplicates.HasKeys |= keyColumn >= 0;
        return (asked, keyColumn);
    }

    /// <summary>Takes batches in the order in which they come.</summary>
    private sealed class RowTaker(
        RunReader reader, ProfileMapper mapper, BatchSealer sealer, IRejectionSink sink, ReadCounts counts, long? most, Action<ReadCounts> report, ContactWatcher? committed)
    {
        private readonly long _stop = Math.Min(most ?? long.MaxValue, reader._most);
        private long _nextReport = RowsBetweenReports;

        /// <summary>False when there are as many as were asked for.</summary>
        public async ValueTask<bool> TakeAsync(ProfileBatch batch, int segment, int keyColumn, CancellationToken ct)
        {
            long before = counts.Read;
            reader.Duplicates.Begin(segment, batch.FirstRow, before);
            mapper.Begin(batch);
            for (int row = 0; row < batch.Rows;)
            {
                row = reader.TakeRows(mapper, batch, row, segment, keyColumn, sealer, sink, counts, _stop, committed, out bool full);
                if (full) await sealer.SealAsync(ct).ConfigureAwait(false);
                if (counts.Read < _stop || row == batch.Rows) continue;
                if (counts.Read != most) throw reader.TooMany();
                counts.CutShort = true;
                return false;
            }
            counts.Segments[reader.NameOf(segment)] += counts.Read - before;
            if (counts.Read < _nextReport) return true;
            _nextReport = counts.Read + RowsBetweenReports;
            report(counts);
            return true;
        }
    }

    private string NameOf(int segment) => segments[segment];

    private static int PositionOf(string column, List<string> asked)
    {
        int position = asked.IndexOf(column);
        if (position >= 0) return position;
        asked.Add(column);
        return asked.Count - 1;
    }

    /// <summary>
    /// Takes rows until the batch is at its end, the body must be sealed before the next row, or the run has as many as it may;
    /// returns the next row.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int TakeRows(
        ProfileMapper mapper, ProfileBatch batch, int row, int segment, int keyColumn, BatchSealer sealer, IRejectionSink sink, ReadCounts counts, long stop,
        ContactWatcher? committed, out bool full)
    {
        full = false;
        while (row < batch.Rows && counts.Read < stop && !full)
        {
            counts.Read++;
            full = TakeRow(mapper, batch, row++, segment, keyColumn, sealer, sink, counts, committed);
        }
        return row;
    }

    /// <summary>True when the body must be sealed before the next row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TakeRow(
        ProfileMapper mapper, ProfileBatch batch, int row, int segment, int keyColumn, BatchSealer sealer, IRejectionSink sink, ReadCounts counts, ContactWatcher? committed)
    {
        ReadOnlySpan<byte> key = keyColumn < 0 ? default : Utf8Text.Trim(batch[row, keyColumn]);
        uint number = Duplicates.NumberOf(counts.Read);
        var place = new ProfilePlace(segment, batch.FirstRow + row);
        if (mapper.Decide(row, number) is { } reason)
        {
            Reject(reason, mapper.HashOf(row), mapper.Rival, place, key, sink, counts);
            return false;
        }
        UInt128 address = mapper.HashOf(row);
        if (mapper.Rival != 0) Beat(mapper.Rival, number, address);
        if (gate?.HoldOut(address) is { } rule)
        {
            counts.Suppressed++;
            Duplicates.KeysInRejections = true;
            trace?.Add(address, 0, place.Row, segment, TraceFate.Suppressed, rule);
            Say(RejectionKind.Suppressed, rule, StandardFields.Email, number, place, key, sink);
            return false;
        }
        mapper.Encode(row, sealer.Writer);
        ulong content = sealer.HashOfContact();
        if (gate is not null)
        {
            if (gate.IsUnchanged(address, content))
            {
                sealer.Discard();
                counts.Unchanged++;
                trace?.Add(address, content, place.Row, segment, TraceFate.Unchanged, null);
                if (preferNewest is not null) LeaveOut(number, place, key, sink);
                return false;
            }
            Standing standing = gate.StandingOf(address);
            if (standing == Standing.Remembered) counts.Remembered++;
            if (standing == Standing.New)
            {
                counts.New++;
                content |= 1;
            }
            if (preferNewest is not null && standing != Standing.NotKnown) Duplicates.SetStanding(number, standing);
        }
        if (mapper.Notes.Count > 0) Note(mapper.Notes, number, place, key, sink, counts);
        bool full = sealer.Commit(place.Row, segment, key, address, content);
        committed?.Invoke(number, key);
        return full;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Reject(string reason, UInt128 address, uint winner, ProfilePlace place, ReadOnlySpan<byte> key, IRejectionSink sink, ReadCounts counts)
    {
        if (ReferenceEquals(reason, Reasons.Duplicate))
        {
            counts.Duplicate++;
            Duplicates.Won(winner);
            trace?.Add(address, 0, place.Row, place.Segment, TraceFate.Duplicate, reason);
            sink.AddDuplicate(place, key, Duplicates.PlaceOf(winner));
            return;
        }
        counts.Invalid++;
        bool ofRow = ReferenceEquals(reason, Reasons.RowFieldCount) || ReferenceEquals(reason, Reasons.RowMalformed);
        if (ofRow) counts.Unreadable++;
        // Of a row that does not fit its header nobody knows what stands in the key's place: it may be an address.
        if (address != default) trace?.Add(address, 0, place.Row, place.Segment, TraceFate.Invalid, reason);
        sink.Add(RejectionKind.Invalid, place.Row, place.Segment, ofRow ? default : key, ofRow ? null : StandardFields.Email, reason);
    }

    private void Beat(uint loser, uint winner, UInt128 address)
    {
        Duplicates.Beat(loser, winner);
        ProfilePlace place = Duplicates.PlaceOf(loser);
        trace?.Add(address, 0, place.Row, place.Segment, TraceFate.Duplicate, Reasons.Duplicate);
    }

    private void LeaveOut(uint number, ProfilePlace place, ReadOnlySpan<byte> key, IRejectionSink sink)
    {
        Duplicates.SetUnchanged(number);
        sink.AddUnchanged(number, place, key);
    }

    private void Say(RejectionKind kind, string reason, string field, uint number, ProfilePlace place, ReadOnlySpan<byte> key, IRejectionSink sink)
    {
        if (preferNewest is not null) Duplicates.Said(number, kind, reason);
        sink.Add(kind, place.Row, place.Segment, key, field, reason);
    }

    private void Note(IReadOnlyList<ValueNote> notes, uint number, ProfilePlace place, ReadOnlySpan<byte> key, IRejectionSink sink, ReadCounts counts)
    {
        for (int i = 0; i < notes.Count; i++)
        {
            (int field, string reason) = notes[i];
            counts.Noted++;
            if (field < 0) counts.RoleAddresses++;
            Say(RejectionKind.Noted, reason, field < 0 ? StandardFields.Email : map.Fields[field].Name, number, place, key, sink);
        }
    }

    private CcException TooMany() => new("TooManyProfiles", CcErrorKind.Limit,
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The segments hold more than {_most:N0} profiles, the most this export takes. Nothing was sent."),
        "Choose smaller segments, or raise the limit with -MaxProfiles.");
}
