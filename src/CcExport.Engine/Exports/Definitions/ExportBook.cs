using CcExport.Engine.Announcements;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Stored exports: created, changed, listed, removed. Never runs one, and never asks the network.</summary>
internal sealed class ExportBook(EngineParts parts)
{
    /// <param name="whole">The change is all there is to the export: what it does not name has its default again.</param>
    public async Task<Export> SetAsync(ExportChange change, CancellationToken ct, bool whole = false)
    {
        DefinitionRecord? old = await parts.Store.Exports.FindAsync(change.Name, ct).ConfigureAwait(false);
        ExportDefinition? before = old is null ? null : ExportDefinition.FromJson(old.Json), kept = whole ? null : before;
        if (kept is null) CheckComplete(change, exists: old is not null);
        if (change.Source is not null && change.Path is not null)
            throw Wrong("SourceTwice", "An export reads a source or a path, not both.", "Give -Source or -Path.");

        ConnectionRecord? connection = null;
        if (change.Connection is not null)
        {
            connection = await parts.Store.Connections.FindAsync(change.Connection, ct).ConfigureAwait(false)
                ?? throw ConnectionBook.NotFound(change.Connection);
        }
        if (change.Map is not null) ContactMap.Create(change.Map);
        CheckNumbers(change.BatchSize, change.MaxProfiles, change.KeepDays);
        CheckShares(change.MaxShrink, change.MaxGrowth);

        SourceReference? source = await SourceAsync(change, kept, ct).ConfigureAwait(false);
        var after = new ExportDefinition
        {
            Connection = connection?.Name ?? kept?.Connection,
            ListId = change.ListId is null ? kept!.ListId : ListIds.Parse(change.ListId),
            Source = source,
            Segments = change.Segment ?? kept?.Segments ?? [],
            Map = change.Map is null ? kept!.Map : new Dictionary<string, string>(change.Map),
            Mode = change.Mode ?? kept?.Mode ?? ExportMode.Upsert,
            KeyProperty = change.KeyProperty ?? kept?.KeyProperty,
            PreferNewest = (change.PreferNewest ?? kept?.PreferNewest) is { Length: > 0 } column ? column : null,
            BatchSize = change.BatchSize ?? kept?.BatchSize,
            MaxProfiles = change.MaxProfiles ?? kept?.MaxProfiles,
            KeepDays = change.KeepDays ?? kept?.KeepDays,
            SuppressionPath = change.SuppressionPath ?? kept?.SuppressionPath,
            MaxShrink = change.MaxShrink ?? kept?.MaxShrink,
            MaxGrowth = change.MaxGrowth ?? kept?.MaxGrowth,
            NoUndo = change.NoUndo ?? kept?.NoUndo ?? false,
        };
        (after, byte[]? secrets) = await AnnouncedAsync(after, change, old, before, whole, ct).ConfigureAwait(false);
        DateTimeOffset now = parts.Time.GetUtcNow();
        after = Scheduled(after, change, before, whole, attached: connection is not null && old?.ConnectionId is null, now);
        var record = new DefinitionRecord
        {
            Name = old?.Name ?? change.Name,
            ConnectionId = connection?.Id ?? old?.ConnectionId,
            Json = after.ToJson(),
            Secrets = secrets,
            CreatedAt = old?.CreatedAt ?? now,
            UpdatedAt = now,
        };
        await parts.Store.Exports.SaveAsync(record, replace: old is not null, ct).ConfigureAwait(false);
        // Whoever hears of it now has heard of none yet.
        if (old is not null && secrets is not null && secrets != old.Secrets) await parts.Store.Announcements.ForgetAsync(record.Name, null, ct).ConfigureAwait(false);
        return await ViewAsync(record, await parts.Store.Schedules.GetAsync(record.Name, ct).ConfigureAwait(false), ct).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<Export>> ListAsync(CancellationToken ct)
    {
        IReadOnlyList<DefinitionRecord> exports = await parts.Store.Exports.ListAsync(ct).ConfigureAwait(false);
        if (exports.Count == 0) return [];
        // Asked once for all: there may be hundreds, and the store on another machine.
        IReadOnlyDictionary<string, ScheduleState> states = await parts.Store.Schedules.ListAsync(ct).ConfigureAwait(false);
        Dictionary<Guid, string> connections = (await parts.Store.Connections.ListAsync(ct).ConfigureAwait(false)).ToDictionary(c => c.Id, c => c.Name);
        IReadOnlyList<Run> newest = await RunViews.OfAsync(await parts.Store.Runs.ListNewestAsync(ct).ConfigureAwait(false), parts, ct).ConfigureAwait(false);
        Dictionary<string, Run> last = newest.ToDictionary(r => NameKey.Of(r.Export!), StringComparer.Ordinal);
        return [.. exports.Select(record => View(record, states.GetValueOrDefault(record.Name, ScheduleState.None),
            record.ConnectionId is { } id ? connections.GetValueOrDefault(id) : null, last.GetValueOrDefault(NameKey.Of(record.Name))))];
    }

    /// <summary>The same export under another name, with its schedule off. <c>ExportNotFound</c>, <c>NameTaken</c>.</summary>
    public async Task<Export> CopyAsync(string name, string newName, CancellationToken ct)
    {
        DefinitionRecord old = await parts.Store.Exports.FindAsync(name, ct).ConfigureAwait(false) ?? throw NotFound(name);
        ExportDefinition definition = ExportDefinition.FromJson(old.Json);
        DateTimeOffset now = parts.Time.GetUtcNow();
        if (definition.Schedule is not null) definition = definition with { Disabled = true };
        byte[]? secrets = null;
        if (old.Secrets is { } kept)
        {
            await parts.Secrets.UnlockAsync(ct).ConfigureAwait(false);
            secrets = ExportSecrets.Protect(parts.Secrets, newName, ExportSecrets.Unprotect(parts.Secrets, old.Name, kept));
        }
        DefinitionRecord copy = old with { Name = newName, Json = definition.ToJson(), Secrets = secrets, CreatedAt = now, UpdatedAt = now };
        await parts.Store.Exports.SaveAsync(copy, replace: false, ct).ConfigureAwait(false);
        return await ViewAsync(copy, ScheduleState.None, ct).ConfigureAwait(false);
    }

    /// <summary>Those that use a connection have none any more.</summary>
    public async Task DetachAsync(Guid connection, CancellationToken ct)
    {
        foreach (DefinitionRecord export in await parts.Store.Exports.ListAsync(ct).ConfigureAwait(false))
        {
            if (export.ConnectionId == connection)
                await parts.Store.Exports.SaveAsync(export with { ConnectionId = null, UpdatedAt = parts.Time.GetUtcNow() }, replace: true, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Where failures are announced: kept, taken away, or given anew. The whole address goes to the secrets.</summary>
    private async Task<(ExportDefinition After, byte[]? Secrets)> AnnouncedAsync(
        ExportDefinition after, ExportChange change, DefinitionRecord? old, ExportDefinition? before, bool whole, CancellationToken ct)
    {
        string? text = change.OnFailure ?? (whole ? "" : before?.OnFailure ?? "");
        if (text.Length == 0)
        {
            if (change.OnFailureShape is not null and not NoticeShape.Auto)
                throw Wrong("OnFailureMissing", $"The export '{change.Name}' has no webhook that could be sent anything.", "Give -OnFailure as well.");
            return (after, null);
        }
        NoticeShape? shape = (change.OnFailureShape ?? (whole ? null : before?.OnFailureShape)) is { } chosen and not NoticeShape.Auto ? chosen : null;
        if (text == before?.OnFailure && old?.Secrets is { } kept) return (after with { OnFailure = text, OnFailureShape = shape }, kept);
        if (IsShown(text))
        {
            throw new CcException("OnFailureNeedsAddress", CcErrorKind.InvalidArgument, $"The webhook of the export '{change.Name}' is not known here: only its host was given.",
                $"Give its whole address: Set-CcExport '{change.Name}' -OnFailure.")
            { Subject = change.Name };
        }
        Uri address = Webhook.Parse(text);
        await parts.Secrets.UnlockAsync(ct).ConfigureAwait(false);
        return (after with { OnFailure = Webhook.Shown(address), OnFailureShape = shape }, ExportSecrets.Protect(parts.Secrets, change.Name, address));
    }

    /// <summary>What is shown of a webhook, and written in its place into a configuration.</summary>
    public static bool IsShown(string text) => text.EndsWith("/***", StringComparison.Ordinal);

    private ExportDefinition Scheduled(ExportDefinition after, ExportChange change, ExportDefinition? before, bool whole, bool attached, DateTimeOffset now)
    {
        string? text = change.Schedule ?? (whole ? null : before?.Schedule);
        if (string.IsNullOrWhiteSpace(text))
        {
            if (change.TimeZone is not null)
                throw Wrong("ScheduleMissing", $"The export '{change.Name}' has no schedule that could have a time zone.", "Give -Schedule as well.");
            return after with { Disabled = Off() };
        }
        string zone = Schedule.ZoneName(change.TimeZone ?? before?.TimeZone ?? parts.Time.LocalTimeZone.Id);
        text = Schedule.Check(text, zone, now).Text;
        bool? off = Off();
        // What was not due before must not become it by a change: a time that has gone by, under a new schedule or while it was off.
        bool anew = text != before?.Schedule || zone != before.TimeZone || (off is null && before.Disabled is true) || attached;
        return after with { Schedule = text, TimeZone = zone, Disabled = off, ScheduledAt = anew ? now : before!.ScheduledAt };

        bool? Off() => !(change.Enabled ?? before?.Disabled is not true) ? true : null;
    }

    public async Task RemoveAsync(string name, CancellationToken ct)
    {
        if (!await parts.Store.Exports.RemoveAsync(name, ct).ConfigureAwait(false)) throw NotFound(name);
    }

    /// <summary>A stored export with its proper name, and its connection's present one; null where it has none.</summary>
    public async Task<(string Name, ExportDefinition Definition)> FindAsync(string name, CancellationToken ct)
    {
        DefinitionRecord record = await parts.Store.Exports.FindAsync(name, ct).ConfigureAwait(false) ?? throw NotFound(name);
        // The connection is known by its id: its name may have changed since, and it may be gone.
        ConnectionRecord? connection = record.ConnectionId is { } id ? await parts.Store.Connections.FindAsync(id, ct).ConfigureAwait(false) : null;
        return (record.Name, ExportDefinition.FromJson(record.Json) with { Connection = connection?.Name });
    }

    public static void CheckNumbers(int? batchSize, long? maxProfiles, int? keepDays)
    {
        if (batchSize is < 1 or > Limits.BatchRows)
            throw Wrong("BatchSizeOutOfRange", $"A batch has 1 to {Limits.BatchRows} contacts, not {batchSize}.", "Give -BatchSize in that range, or leave it out.");
        if (maxProfiles < 1) throw Wrong("MaxProfilesOutOfRange", "A run has at least one profile.", "Give -MaxProfiles of 1 or more, or leave it out.");
        if (keepDays is < 1 or > Limits.MostKeepDays)
            throw Wrong("KeepDaysOutOfRange", $"Runs are kept for 1 to {Limits.MostKeepDays} days, not {keepDays}.", "Give -KeepDays in that range, or leave it out.");
    }

    public static void CheckShares(double? maxShrink, double? maxGrowth)
    {
        if (maxShrink is < 0 or > 1 or double.NaN)
            throw Wrong("MaxShrinkOutOfRange", "The share by which a list may shrink is between 0 and 1.", "Give -MaxShrink in that range: 0.2 is a fifth.");
        if (maxGrowth is < 0 or double.NaN)
            throw Wrong("MaxGrowthOutOfRange", "The share by which a list may grow is 0 or more.", "Give -MaxGrowth in that range: 0.5 is half as much again.");
    }

    private async Task<SourceReference?> SourceAsync(ExportChange change, ExportDefinition? before, CancellationToken ct)
    {
        if (change.Source is not null)
        {
            if (change.Encoding is not null || change.Delimiter is not null || change.Header is not null)
                throw Wrong("SourceHasFormat", "A named source has its own encoding, delimiter and header.", "Leave them out, or give -Path instead of -Source.");
            SourceReference named = await new SourceBook(parts).DescribeAsync(change.Source, ct).ConfigureAwait(false);
            return new SourceReference { Name = named.Name };
        }
        SourceReference old = change.Path is null ? before?.Source ?? new SourceReference() : new SourceReference { Path = change.Path };
        if (change.Encoding is null && change.Delimiter is null && change.Header is null) return old;
        if (old.Name is not null)
            throw Wrong("SourceHasFormat", $"This export reads the source '{old.Name}', which has its own encoding, delimiter and header.", "Give -Path, or make another source.");
        return old with { Encoding = change.Encoding ?? old.Encoding, Delimiter = change.Delimiter ?? old.Delimiter, Header = change.Header ?? old.Header };
    }

    private static void CheckComplete(ExportChange change, bool exists)
    {
        List<string> lacking = [];
        if (change.Connection is null && !exists) lacking.Add("-Connection");
        if (change.ListId is null) lacking.Add("-ListId");
        if (change.Map is null) lacking.Add("-Map");
        if (change.Source is null && change.Path is null) lacking.Add("-Source or -Path");
        if (lacking.Count == 0) return;
        throw new CcException("ExportIncomplete", CcErrorKind.InvalidArgument, exists ? $"The export '{change.Name}' needs {string.Join(", ", lacking)}." : $"There is no export '{change.Name}' yet, and a new one needs {string.Join(", ", lacking)}.",
            "Give what is missing, or check the name (Get-CcExport lists those there are).")
        { Subject = change.Name };
    }

    private async Task<Export> ViewAsync(DefinitionRecord record, ScheduleState state, CancellationToken ct)
    {
        IReadOnlyList<RunRecord> newest = await parts.Store.Runs.ListAsync(new RunQuery(record.Name, Limit: 1, Plans: false), ct).ConfigureAwait(false);
        Run? last = (await RunViews.OfAsync(newest, parts, ct).ConfigureAwait(false)).FirstOrDefault();
        ConnectionRecord? connection = record.ConnectionId is { } id ? await parts.Store.Connections.FindAsync(id, ct).ConfigureAwait(false) : null;
        return View(record, state, connection?.Name, last);
    }

    private static Export View(DefinitionRecord record, ScheduleState state, string? connection, Run? last)
    {
        ExportDefinition definition = ExportDefinition.FromJson(record.Json);
        return new Export
        {
            Name = record.Name,
            Connection = connection,
            ListId = definition.ListId,
            Source = definition.Source?.Name,
            Path = definition.Source?.Path,
            Encoding = definition.Source?.Encoding,
            Delimiter = definition.Source?.Delimiter,
            Header = definition.Source?.Header,
            Segment = definition.Segments,
            Map = definition.Map,
            Mode = definition.Mode,
            KeyProperty = definition.KeyProperty,
            PreferNewest = definition.PreferNewest,
            BatchSize = definition.BatchSize,
            MaxProfiles = definition.MaxProfiles,
            KeepDays = definition.KeepDays,
            SuppressionPath = definition.SuppressionPath,
            MaxShrink = definition.MaxShrink,
            MaxGrowth = definition.MaxGrowth,
            NoUndo = definition.NoUndo,
            Schedule = definition.Schedule,
            TimeZone = definition.TimeZone,
            OnFailure = definition.OnFailure,
            OnFailureShape = definition.OnFailure is null ? null : definition.OnFailureShape ?? NoticeShape.Auto,
            Enabled = definition.Disabled is not true,
            NextRun = connection is null ? null : DueTimes.NextOf(definition, state.HandledAt),
            RequestedAt = state.RequestedAt,
            RequestedBy = state.RequestedBy,
            CreatedAt = record.CreatedAt,
            UpdatedAt = record.UpdatedAt,
            LastRun = last?.StartedAt,
            LastStatus = last?.Status,
        };
    }

    public static CcException NotFound(string name) => new("ExportNotFound", CcErrorKind.NotFound, $"There is no export '{name}'.",
        "Get-CcExport lists those there are; Set-CcExport makes one.")
    { Subject = name };

    private static CcException Wrong(string id, string message, string remedy) => new(id, CcErrorKind.InvalidArgument, message, remedy);
}
