using CcExport.Engine.Announcements;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>A home's connections, sources and exports as one text, and a home brought to one. Asks no network.</summary>
internal sealed class ConfigurationBook(EngineParts parts)
{
    public async Task<string> WriteAsync(CancellationToken ct)
    {
        Dictionary<string, string> lists = new(StringComparer.OrdinalIgnoreCase);
        foreach (ConnectionRecord connection in await parts.Store.Connections.ListAsync(ct).ConfigureAwait(false))
        {
            foreach (KnownList list in KnownAccounts.Read(parts.Home, connection.Id).Lists) lists[list.Id] = list.Name;
        }
        return ConfigurationFile.Write(await ReadAsync(ct).ConfigureAwait(false), e => lists.GetValueOrDefault(e.ListId) is { } name ? $"to the list '{name}'" : null);
    }

    /// <summary>What would have to change, in the order in which it can.</summary>
    /// <param name="folder">From where relative paths go.</param>
    /// <param name="prune">Exports that are not in it are to go.</param>
    public async Task<IReadOnlyList<ConfigurationChange>> CompareAsync(string text, string folder, bool prune, CancellationToken ct)
    {
        Configuration wanted = Absolute(ConfigurationFile.Read(text), folder), present = await ReadAsync(ct).ConfigureAwait(false);
        CheckReserves(wanted, await parts.Store.Connections.ListAsync(ct).ConfigureAwait(false));
        List<ConfigurationChange> changes = [];
        foreach ((string name, ConfiguredConnection connection) in Ordered(wanted.Connections))
        {
            if (Find(present.Connections, name) is not { } old) changes.Add(Missing("Connection", name, "it is not here, and an import cannot make it"));
            else Add(changes, "Connection", name, old, connection, ConfigurationFile.Differences(old, connection, ConfigurationFile.Types.ConfiguredConnection));
        }
        foreach ((string name, ConfiguredSource source) in Ordered(wanted.Sources))
        {
            ConfiguredSource? old = Find(present.Sources, name);
            IReadOnlyList<string> differences = ConfigurationFile.Differences(old, source, ConfigurationFile.Types.ConfiguredSource);
            // A secret is for the place it was given for: no text from elsewhere sends it to another.
            if (differences.Count > 0 && (source.Secret is not null || old?.Secret is not null)) changes.Add(Missing("Source", name, [.. differences]));
            else Add(changes, "Source", name, old, source, differences);
        }
        foreach ((string name, ConfiguredExport export) in Ordered(wanted.Exports))
        {
            ConfiguredExport? old = Find(present.Exports, name);
            ConfiguredExport full = Full(name, export, old);
            Add(changes, "Export", name, old, full, ConfigurationFile.Differences(old, full, ConfigurationFile.Types.ConfiguredExport));
        }
        if (prune)
        {
            changes.AddRange(Ordered(present.Exports).Where(e => Find(wanted.Exports, e.Key) is null)
                .Select(e => new ConfigurationChange { Kind = "Export", Name = e.Key, Action = "Remove", Differences = ["it is not in the file"] }));
        }
        return changes;
    }

    public async Task ApplyAsync(ConfigurationChange change, CancellationToken ct)
    {
        switch (change)
        {
            case { Action: "Missing", Kind: "Connection" }:
                throw new CcException("ConnectionNotFound", CcErrorKind.NotFound, $"There is no connection '{change.Name}', and an import cannot make one.", $"Sign in first: New-CcConnection -Name '{change.Name}'. Then import again.")
                { Subject = change.Name };
            case { Action: "Missing" }:
                throw new CcException("SourceNeedsSecret", CcErrorKind.InvalidArgument, $"The source '{change.Name}' is opened with a secret, which no file holds; an import neither makes nor moves it.",
                    "Make it with New-CcSource and its key or signature, as the file says (Remove-CcSource first, where there is one). Then import again.")
                { Subject = change.Name };
            case { Action: "Remove" }:
                await new ExportBook(parts).RemoveAsync(change.Name, ct).ConfigureAwait(false);
                break;
            case { Wanted: ConfiguredConnection connection }:
                ConnectionRecord record = await new ConnectionBook(parts).FindAsync(change.Name, ct).ConfigureAwait(false);
                await parts.Store.Connections.UpdateAsync(record with { ContactLimit = connection.ContactLimit, AllowContributor = connection.AllowContributor }, ct).ConfigureAwait(false);
                await parts.Store.Calls.ReserveAsync(record.ClientId, connection.ReserveForOthers ?? 0, ct).ConfigureAwait(false);
                break;
            case { Wanted: ConfiguredSource source }:
                await new SourceBook(parts).PutAsync(change.Name, Reference(source), ct).ConfigureAwait(false);
                break;
            case { Wanted: ConfiguredExport export }:
                await ApplyAsync(change.Name, export, ct).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>A webhook that is not known here keeps nothing else from being as the file says; then it is asked for.</summary>
    private async Task ApplyAsync(string name, ConfiguredExport export, CancellationToken ct)
    {
        var book = new ExportBook(parts);
        try
        {
            await book.SetAsync(ChangeOf(name, export), ct, whole: true).ConfigureAwait(false);
        }
        catch (CcException e) when (e.ErrorId == "OnFailureNeedsAddress")
        {
            await book.SetAsync(ChangeOf(name, export with { OnFailure = null, OnFailureShape = null }), ct, whole: true).ConfigureAwait(false);
            throw new CcException(e.ErrorId, e.Kind, $"The export '{name}' is as the file says, but for its webhook, whose address no file holds.", e.Remedy, e) { Subject = name };
        }
    }

    private async Task<Configuration> ReadAsync(CancellationToken ct)
    {
        IReadOnlyList<DefinitionRecord> exports = await parts.Store.Exports.ListAsync(ct).ConfigureAwait(false);
        IReadOnlyList<ConnectionRecord> connections = await parts.Store.Connections.ListAsync(ct).ConfigureAwait(false);
        Dictionary<string, ConfiguredConnection> configured = [];
        foreach (ConnectionRecord c in connections)
        {
            int reserved = (await parts.Store.Calls.GetUseAsync(c.ClientId, parts.Time.GetUtcNow(), ct).ConfigureAwait(false)).Reserved;
            configured.Add(c.Name, new ConfiguredConnection { ContactLimit = c.ContactLimit, AllowContributor = c.AllowContributor, ReserveForOthers = reserved > 0 ? reserved : null });
        }
        return new Configuration
        {
            Version = Configuration.CurrentVersion,
            Connections = configured,
            Sources = (await new SourceBook(parts).ListReferencesAsync(ct).ConfigureAwait(false)).ToDictionary(s => s.Name, s => Of(s.Reference)),
            Exports = exports.ToDictionary(e => e.Name, e => Of(ExportDefinition.FromJson(e.Json), connections.FirstOrDefault(c => c.Id == e.ConnectionId)?.Name)),
        };
    }

    private static ConfiguredSource Of(SourceReference source) => new()
    {
        Path = source.Path,
        BlobContainer = source.BlobContainer,
        Dataverse = source.Dataverse,
        CustomerInsights = source.CustomerInsights,
        ApiEndpoint = source.ApiEndpoint,
        Encoding = source.Encoding,
        Delimiter = source.Delimiter,
        Header = source.Header,
        Secret = source.Keeps,
    };

    private static SourceReference Reference(ConfiguredSource source) => new()
    {
        Path = source.Path,
        BlobContainer = source.BlobContainer,
        Dataverse = source.Dataverse,
        CustomerInsights = source.CustomerInsights,
        ApiEndpoint = source.ApiEndpoint,
        Encoding = source.Encoding,
        Delimiter = source.Delimiter,
        Header = source.Header,
    };

    private static ConfiguredExport Of(ExportDefinition definition, string? connection) => new()
    {
        Connection = connection,
        ListId = definition.ListId,
        Source = definition.Source?.Name,
        Path = definition.Source?.Path,
        Encoding = definition.Source?.Encoding,
        Delimiter = definition.Source?.Delimiter,
        Header = definition.Source?.Header,
        Segments = Some(definition.Segments),
        Map = Sorted(definition.Map),
        Mode = definition.Mode,
        KeyProperty = definition.KeyProperty,
        PreferNewest = definition.PreferNewest,
        BatchSize = definition.BatchSize,
        MaxProfiles = definition.MaxProfiles,
        KeepDays = definition.KeepDays,
        SuppressionPath = Some(definition.SuppressionPath),
        MaxShrink = definition.MaxShrink,
        MaxGrowth = definition.MaxGrowth,
        NoUndo = definition.NoUndo ? true : null,
        Schedule = definition.Schedule,
        TimeZone = definition.TimeZone,
        OnFailure = definition.OnFailure,
        OnFailureShape = definition.OnFailureShape,
        Enabled = definition.Disabled is true ? false : null,
    };

    /// <summary>In the one way of writing that a stored export has, so that equals are seen as equal.</summary>
    private ConfiguredExport Full(string name, ConfiguredExport export, ConfiguredExport? old)
    {
        string? schedule = string.IsNullOrWhiteSpace(export.Schedule) ? null : export.Schedule, zone = null, list;
        try
        {
            list = ListIds.Parse(export.ListId);
            if (schedule is not null)
            {
                zone = Schedule.ZoneName(export.TimeZone ?? old?.TimeZone ?? parts.Time.LocalTimeZone.Id);
                schedule = Schedule.Check(schedule, zone, parts.Time.GetUtcNow()).Text;
            }
        }
        catch (CcException e)
        {
            throw new CcException(e.ErrorId, e.Kind, $"The export '{name}': {e.Message}", e.Remedy, e) { Subject = name };
        }
        return export with
        {
            // One that was left without a connection stays so until it is attached to one.
            Connection = Same(export.Connection, old?.Connection) ?? old?.Connection,
            Source = Same(export.Source, old?.Source),
            ListId = list,
            Segments = Some(export.Segments),
            Map = Sorted(export.Map),
            SuppressionPath = Some(export.SuppressionPath),
            NoUndo = export.NoUndo is true ? true : null,
            Schedule = schedule,
            TimeZone = zone,
            OnFailureShape = export.OnFailureShape is { } shape and not NoticeShape.Auto ? shape : null,
            Enabled = export.Enabled is false ? false : null,
        };
    }

    private static ExportChange ChangeOf(string name, ConfiguredExport export) => new()
    {
        Name = name,
        Connection = export.Connection,
        ListId = export.ListId,
        Source = export.Source,
        Path = export.Path,
        Encoding = export.Encoding,
        Delimiter = export.Delimiter,
        Header = export.Header,
        Segment = export.Segments,
        Map = export.Map,
        Mode = export.Mode,
        KeyProperty = export.KeyProperty,
        PreferNewest = export.PreferNewest,
        BatchSize = export.BatchSize,
        MaxProfiles = export.MaxProfiles,
        KeepDays = export.KeepDays,
        SuppressionPath = export.SuppressionPath,
        MaxShrink = export.MaxShrink,
        MaxGrowth = export.MaxGrowth,
        NoUndo = export.NoUndo,
        Schedule = export.Schedule,
        TimeZone = export.TimeZone,
        OnFailure = export.OnFailure,
        OnFailureShape = export.OnFailureShape,
        Enabled = export.Enabled ?? true,
    };

    private static Configuration Absolute(Configuration read, string folder)
    {
        return read with
        {
            Sources = read.Sources.ToDictionary(s => s.Key, s => s.Value with { Path = From(s.Value.Path) }),
            Exports = read.Exports.ToDictionary(e => e.Key, e => e.Value with
            {
                Path = From(e.Value.Path),
                SuppressionPath = e.Value.SuppressionPath?.Select(p => From(p)!).ToArray(),
            }),
        };

        string? From(string? path) => path is null ? null : Path.GetFullPath(path, folder);
    }

    /// <summary>Calls are kept for others of a key: two connections of one key cannot keep different numbers.</summary>
    private static void CheckReserves(Configuration wanted, IReadOnlyList<ConnectionRecord> known)
    {
        foreach (IGrouping<string, ConnectionRecord> key in known.GroupBy(c => c.ClientId, StringComparer.OrdinalIgnoreCase))
        {
            var told = key.Select(c => (c.Name, Wanted: Find(wanted.Connections, c.Name))).Where(c => c.Wanted is not null).Select(c => (c.Name, Calls: c.Wanted!.ReserveForOthers ?? 0)).ToArray();
            if (told.FirstOrDefault(c => c.Calls != told[0].Calls) is not { Name: { } name } other) continue;
            throw new CcException("ConfigurationInvalid", CcErrorKind.InvalidData,
                FormattableString.Invariant($"The connections '{told[0].Name}' and '{name}' use one API key, and the file keeps {told[0].Calls:N0} and {other.Calls:N0} of its calls for others."),
                "Calls are kept of a key, not of a connection: give both the same reserveForOthers.")
            { Subject = name };
        }
    }

    private static void Add(List<ConfigurationChange> changes, string kind, string name, object? old, object wanted, IReadOnlyList<string> differences)
    {
        if (old is null || differences.Count > 0)
            changes.Add(new ConfigurationChange { Kind = kind, Name = name, Action = old is null ? "Create" : "Change", Differences = differences, Wanted = wanted });
    }

    private static ConfigurationChange Missing(string kind, string name, params string[] why) => new() { Kind = kind, Name = name, Action = "Missing", Differences = why };

    /// <summary>A name as it is stored, where only its capitals differ.</summary>
    private static string? Same(string? name, string? stored) => string.Equals(name, stored, StringComparison.OrdinalIgnoreCase) ? stored : name;

    private static T? Find<T>(Dictionary<string, T> entries, string name) where T : class
        => entries.FirstOrDefault(e => e.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    private static IEnumerable<KeyValuePair<string, T>> Ordered<T>(Dictionary<string, T> entries) => entries.OrderBy(e => e.Key.ToUpperInvariant(), StringComparer.Ordinal);

    private static IReadOnlyList<string>? Some(IReadOnlyList<string>? list) => list is { Count: > 0 } ? list : null;

    private static SortedDictionary<string, string> Sorted(IDictionary<string, string> map) => new(map, StringComparer.Ordinal);
}
