using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Stored exports: created, changed, listed, removed. Never runs one, and never asks the network.</summary>
internal sealed class ExportBook(EngineParts parts)
{
    public async Task<Export> SetAsync(ExportChange change, CancellationToken ct)
    {
        DefinitionRecord? old = await parts.Store.Exports.FindAsync(change.Name, ct).ConfigureAwait(false);
        ExportDefinition? before = old is null ? null : ExportDefinition.FromJson(old.Json);
        if (before is null) CheckComplete(change);
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

        SourceReference? source = await SourceAsync(change, before, ct).ConfigureAwait(false);
        var after = new ExportDefinition
        {
            Connection = connection?.Name ?? before?.Connection,
            ListId = change.ListId is null ? before!.ListId : ListIds.Parse(change.ListId),
            Source = source,
            Segments = change.Segment ?? before?.Segments ?? [],
            Map = change.Map is null ? before!.Map : new Dictionary<string, string>(change.Map),
            Mode = change.Mode ?? before?.Mode ?? ExportMode.Upsert,
            KeyProperty = change.KeyProperty ?? before?.KeyProperty,
            BatchSize = change.BatchSize ?? before?.BatchSize,
            MaxProfiles = change.MaxProfiles ?? before?.MaxProfiles,
            KeepDays = change.KeepDays ?? before?.KeepDays,
        };
        DateTimeOffset now = parts.Time.GetUtcNow();
        var record = new DefinitionRecord
        {
            Name = old?.Name ?? change.Name,
            ConnectionId = connection?.Id ?? old?.ConnectionId,
            Json = after.ToJson(),
            CreatedAt = old?.CreatedAt ?? now,
            UpdatedAt = now,
        };
        await parts.Store.Exports.SaveAsync(record, replace: old is not null, ct).ConfigureAwait(false);
        return await ViewAsync(record, ct).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<Export>> ListAsync(CancellationToken ct)
    {
        List<Export> views = [];
        foreach (DefinitionRecord record in await parts.Store.Exports.ListAsync(ct).ConfigureAwait(false)) views.Add(await ViewAsync(record, ct).ConfigureAwait(false));
        return views;
    }

    public async Task RemoveAsync(string name, CancellationToken ct)
    {
        if (!await parts.Store.Exports.RemoveAsync(name, ct).ConfigureAwait(false)) throw NotFound(name);
    }

    /// <summary>A stored export with its proper name.</summary>
    public async Task<(string Name, ExportDefinition Definition)> FindAsync(string name, CancellationToken ct)
    {
        DefinitionRecord record = await parts.Store.Exports.FindAsync(name, ct).ConfigureAwait(false) ?? throw NotFound(name);
        return (record.Name, ExportDefinition.FromJson(record.Json));
    }

    public static void CheckNumbers(int? batchSize, long? maxProfiles, int? keepDays)
    {
        if (batchSize is < 1 or > Limits.BatchRows)
            throw Wrong("BatchSizeOutOfRange", $"A batch has 1 to {Limits.BatchRows} contacts, not {batchSize}.", "Give -BatchSize in that range, or leave it out.");
        if (maxProfiles < 1) throw Wrong("MaxProfilesOutOfRange", "A run has at least one profile.", "Give -MaxProfiles of 1 or more, or leave it out.");
        if (keepDays is < 1 or > Limits.MostKeepDays)
            throw Wrong("KeepDaysOutOfRange", $"Runs are kept for 1 to {Limits.MostKeepDays} days, not {keepDays}.", "Give -KeepDays in that range, or leave it out.");
    }

    private async Task<SourceReference?> SourceAsync(ExportChange change, ExportDefinition? before, CancellationToken ct)
    {
        if (change.Source is not null)
        {
            if (change.Encoding is not null || change.Delimiter is not null || change.Header is not null)
                throw Wrong("SourceHasFormat", "A named source has its own encoding, delimiter and header.", "Leave them out, or give -Path instead of -Source.");
            SourceReference named = await new SourceBook(parts).ResolveAsync(new SourceReference { Name = change.Source }, ct).ConfigureAwait(false);
            return new SourceReference { Name = named.Name };
        }
        SourceReference old = change.Path is null ? before?.Source ?? new SourceReference() : new SourceReference { Path = change.Path };
        if (change.Encoding is null && change.Delimiter is null && change.Header is null) return old;
        if (old.Name is not null)
            throw Wrong("SourceHasFormat", $"This export reads the source '{old.Name}', which has its own encoding, delimiter and header.", "Give -Path, or make another source.");
        return old with { Encoding = change.Encoding ?? old.Encoding, Delimiter = change.Delimiter ?? old.Delimiter, Header = change.Header ?? old.Header };
    }

    private static void CheckComplete(ExportChange change)
    {
        List<string> lacking = [];
        if (change.Connection is null) lacking.Add("-Connection");
        if (change.ListId is null) lacking.Add("-ListId");
        if (change.Map is null) lacking.Add("-Map");
        if (change.Source is null && change.Path is null) lacking.Add("-Source or -Path");
        if (lacking.Count == 0) return;
        throw new CcException("ExportIncomplete", CcErrorKind.InvalidArgument, $"There is no export '{change.Name}' yet, and a new one needs {string.Join(", ", lacking)}.",
            "Give what is missing, or check the name (Get-CcExport lists those there are).")
        { Subject = change.Name };
    }

    private async Task<Export> ViewAsync(DefinitionRecord record, CancellationToken ct)
    {
        ExportDefinition definition = ExportDefinition.FromJson(record.Json);
        RunRecord? last = (await parts.Store.Runs.ListAsync(new RunQuery(record.Name, Limit: 1), ct).ConfigureAwait(false)).FirstOrDefault();
        // The connection is known by its id: its name may have changed since, and it may be gone.
        ConnectionRecord? connection = record.ConnectionId is { } id ? await parts.Store.Connections.FindAsync(id, ct).ConfigureAwait(false) : null;
        return new Export
        {
            Name = record.Name,
            Connection = connection?.Name,
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
            BatchSize = definition.BatchSize,
            MaxProfiles = definition.MaxProfiles,
            KeepDays = definition.KeepDays,
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
