using System.Text.Json;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Named sources, and how any source is opened.</summary>
internal sealed class SourceBook(EngineParts parts)
{
    /// <param name="connection">Whose export user looks, where the source is read as one; null: the only one there is.</param>
    public async Task<ProfileSource> AddAsync(string name, SourceReference reference, string? connection, CancellationToken ct)
    {
        SourceKind kind = SourceKinds.Find(reference);
        kind.Check(reference);
        IReadOnlyList<Segment> seen = [];
        // Looked at before it is kept: a source that cannot be read is found out now and not at night. Where nobody has signed in yet, it cannot be looked at.
        if (kind.ReadWith(reference) != SourceKinds.ExportUser || await Readers.AnyAsync(parts, connection, ct).ConfigureAwait(false))
        {
            IProfileSource opened = await OpenAsync(reference, new Reader(connection), ct).ConfigureAwait(false);
            seen = await opened.GetSegmentsAsync(ct).ConfigureAwait(false);
        }
        DateTimeOffset now = parts.Time.GetUtcNow();
        SourceReference stored = reference with { Name = null, Keeps = reference.Has };
        if (stored.Keeps is not null) await parts.Secrets.UnlockAsync(ct).ConfigureAwait(false);
        await parts.Store.Sources.SaveAsync(
            new DefinitionRecord
            {
                Name = name,
                Json = JsonSerializer.Serialize(stored, DefinitionJson.Default.SourceReference),
                Secrets = SourceSecrets.Protect(parts.Secrets, name, stored),
                CreatedAt = now,
                UpdatedAt = now,
            },
            replace: false, ct).ConfigureAwait(false);
        Saw(stored with { Name = name }, seen);
        return View(name, stored, now);
    }

    public async Task<IReadOnlyList<ProfileSource>> ListAsync(CancellationToken ct)
    {
        IReadOnlyList<DefinitionRecord> all = await parts.Store.Sources.ListAsync(ct).ConfigureAwait(false);
        List<ProfileSource> views = [];
        foreach (DefinitionRecord record in all) views.Add(View(record.Name, await DescribeAsync(record, ct).ConfigureAwait(false), record.CreatedAt));
        return views;
    }

    /// <summary>All sources with their places, and which secret each keeps.</summary>
    public async Task<IReadOnlyList<(string Name, SourceReference Reference)>> ListReferencesAsync(CancellationToken ct)
    {
        IReadOnlyList<DefinitionRecord> all = await parts.Store.Sources.ListAsync(ct).ConfigureAwait(false);
        List<(string, SourceReference)> references = [];
        foreach (DefinitionRecord record in all) references.Add((record.Name, await DescribeAsync(record, ct).ConfigureAwait(false)));
        return references;
    }

    /// <summary>A source as it is stored: without its secret, which only what reads it needs.</summary>
    public async Task<SourceReference> DescribeAsync(string name, CancellationToken ct)
        => await DescribeAsync(await parts.Store.Sources.FindAsync(name, ct).ConfigureAwait(false) ?? throw NotFound(name), ct).ConfigureAwait(false);

    private async Task<SourceReference> DescribeAsync(DefinitionRecord record, CancellationToken ct)
    {
        SourceReference reference = Read(record) with { Name = record.Name };
        if (reference.Keeps is not null || record.Secrets is null) return reference;
        // One of an earlier version does not say which.
        await parts.Secrets.UnlockAsync(ct).ConfigureAwait(false);
        return reference with { Keeps = SourceSecrets.Unprotect(parts.Secrets, record.Name, record.Secrets, reference).Has };
    }

    /// <summary>Adds a source without secrets, or lets one be another; its place is not looked at.</summary>
    public async Task PutAsync(string name, SourceReference reference, CancellationToken ct)
    {
        SourceKinds.Find(reference).Check(reference);
        DateTimeOffset now = parts.Time.GetUtcNow();
        DefinitionRecord? old = await parts.Store.Sources.FindAsync(name, ct).ConfigureAwait(false);
        await parts.Store.Sources.SaveAsync(
            new DefinitionRecord { Name = old?.Name ?? name, Json = JsonSerializer.Serialize(reference, DefinitionJson.Default.SourceReference), CreatedAt = old?.CreatedAt ?? now, UpdatedAt = now },
            replace: old is not null, ct).ConfigureAwait(false);
        KnownSources.Forget(parts.Home, name);
    }

    /// <summary>What is wrong with a source is what is asked for: it is answered, not thrown.</summary>
    public async Task<SourceHealth> TestAsync(string name, string? connection, CancellationToken ct)
    {
        SourceReference reference = await DescribeAsync(name, ct).ConfigureAwait(false);
        SourceKind kind = SourceKinds.Find(reference);
        List<string> findings = [];
        string status = "Healthy", readAs = "";
        IReadOnlyList<Segment> segments = [];
        try
        {
            (IProfileSource source, readAs) = await OpenAsAsync(new SourceReference { Name = reference.Name }, new Reader(connection) { Warn = findings.Add }, ct).ConfigureAwait(false);
            segments = await source.GetSegmentsAsync(ct).ConfigureAwait(false);
            Saw(reference, segments);
            if (segments.Count > 0) Saw(reference, source, segments[0].Name, await source.GetColumnsAsync(segments[0].Name, ct).ConfigureAwait(false));
            status = findings.Count > 0 ? "Warning" : "Healthy";
            if (findings.Count == 0) findings.Add("Exports can read it.");
        }
        catch (CcException e)
        {
            status = e.ErrorId;
            findings.Add(e.Remedy is null ? e.Message : $"{e.Message} {e.Remedy}");
        }
        return new SourceHealth
        {
            Source = reference.Name!,
            Kind = kind.Name(reference),
            Healthy = status is "Healthy" or "Warning",
            Status = status,
            Findings = findings,
            ReadAs = readAs.Length == 0 ? null : readAs,
            Segments = segments.Count,
        };
    }

    public async Task RemoveAsync(string name, CancellationToken ct)
    {
        IReadOnlyList<DefinitionRecord> exports = await parts.Store.Exports.ListAsync(ct).ConfigureAwait(false);
        string[] users = [.. exports.Where(e => string.Equals(ExportDefinition.FromJson(e.Json).Source?.Name, name, StringComparison.OrdinalIgnoreCase)).Select(e => e.Name)];
        if (users.Length > 0)
        {
            throw new CcException("SourceInUse", CcErrorKind.Conflict, $"The source '{name}' is read by: {string.Join(", ", users)}.",
                "Change these exports to another source (Set-CcExport), or remove them first.")
            { Subject = name };
        }
        if (!await parts.Store.Sources.RemoveAsync(name, ct).ConfigureAwait(false)) throw NotFound(name);
        KnownSources.Forget(parts.Home, name);
    }

    /// <summary>Notes for completion what a source was seen to have; one of files can be asked again at any time.</summary>
    public void Saw(SourceReference source, IReadOnlyList<Segment> segments)
    {
        if (source is { Name: { } name, Path: null } && segments.Count > 0) KnownSources.Saw(parts.Home, name, segments);
    }

    /// <summary>The same of one segment's columns, where they are names for certain: what may be a person is not written down.</summary>
    public void Saw(SourceReference source, IProfileSource opened, string segment, IReadOnlyList<string> columns)
    {
        if (source is { Name: { } name, Path: null } && opened.HasNamedColumns(segment) && !Columns.LookLikeData(columns)) KnownSources.Saw(parts.Home, name, segment, columns);
    }

    /// <summary>Segments to choose from, for completion: those of files as they are, of any other source as they were seen last. Asks no network and no key ring.</summary>
    public async Task<IReadOnlyList<Segment>> KnownSegmentsAsync(SourceReference source, CancellationToken ct)
        => await LocalAsync(source, ct).ConfigureAwait(false) is { } files ? await files.GetSegmentsAsync(ct).ConfigureAwait(false)
            : source.Name is { } name ? [.. KnownSources.Read(parts.Home, name).Segments.Select(s => new Segment { Name = s.Name, DisplayName = s.DisplayName, Columns = s.Columns, Source = name })] : [];

    /// <summary>The same of columns.</summary>
    /// <param name="segment">Null: the first one of which they are known.</param>
    public async Task<IReadOnlyList<string>> KnownColumnsAsync(SourceReference source, string? segment, CancellationToken ct)
    {
        if (await LocalAsync(source, ct).ConfigureAwait(false) is { } files)
        {
            segment ??= (await files.GetSegmentsAsync(ct).ConfigureAwait(false)).FirstOrDefault()?.Name;
            return segment is null ? [] : await files.GetColumnsAsync(segment, ct).ConfigureAwait(false);
        }
        return (source.Name is null ? [] : KnownSources.Read(parts.Home, source.Name).Segments)
            .FirstOrDefault(s => s.Columns is not null && (segment is null || s.Name.Equals(segment, StringComparison.OrdinalIgnoreCase)))?.Columns ?? [];
    }

    private async Task<IProfileSource?> LocalAsync(SourceReference source, CancellationToken ct)
    {
        if (source.Name is { } name)
        {
            if (await parts.Store.Sources.FindAsync(name, ct).ConfigureAwait(false) is not { } record) return null;
            source = Read(record) with { Name = record.Name };
        }
        return source.Path is null ? null : await OpenAsync(source with { Name = null }, new Reader(Connection: null), ct).ConfigureAwait(false);
    }

    /// <summary>The reference with its place and its secrets, and the source's proper name.</summary>
    public async Task<SourceReference> ResolveAsync(SourceReference reference, CancellationToken ct)
    {
        if (reference.Name is null) return reference;
        DefinitionRecord record = await parts.Store.Sources.FindAsync(reference.Name, ct).ConfigureAwait(false) ?? throw NotFound(reference.Name);
        if (record.Secrets is not null) await parts.Secrets.UnlockAsync(ct).ConfigureAwait(false);
        else if (Read(record).Keeps is not null) throw StoreAccess.RunnerOnly();
        return SourceSecrets.Unprotect(parts.Secrets, record.Name, record.Secrets, Read(record) with { Name = record.Name });
    }

    /// <summary>Opens a source for whoever reads it.</summary>
    public async Task<IProfileSource> OpenAsync(SourceReference reference, Reader reader, CancellationToken ct)
        => (await OpenAsAsync(reference, reader, ct).ConfigureAwait(false)).Source;

    /// <summary>The same, and as whom it is read.</summary>
    public async Task<(IProfileSource Source, string ReadAs)> OpenAsAsync(SourceReference reference, Reader reader, CancellationToken ct)
    {
        SourceReference resolved = await ResolveAsync(reference, ct).ConfigureAwait(false);
        SourceKind kind = SourceKinds.Find(resolved);
        kind.Check(resolved);
        string with = kind.ReadWith(resolved);
        IAccessTokens? tokens = with == SourceKinds.ExportUser ? await Readers.TokensAsync(parts, reader is { OfExport: true, Connection: null } ? throw RunConductor.NoConnection(null) : reader.Connection, ct).ConfigureAwait(false) : null;
        var context = new SourceContext { Time = parts.Time, Tokens = tokens, Warn = reader.Warn, Doubted = reader.Doubted, Verbose = reader.Verbose, Network = parts.SourceNetwork };
        return (kind.Open(resolved, context), tokens?.Identity ?? (with == SourceKinds.Process ? Environment.UserName : with));
    }

    private static SourceReference Read(DefinitionRecord record) => DefinitionReader.Source(record.Json);

    private static ProfileSource View(string name, SourceReference reference, DateTimeOffset createdAt)
    {
        SourceKind kind = SourceKinds.Find(reference);
        return new()
        {
            Name = name,
            Kind = kind.Name(reference),
            Location = kind.LocationOf(reference)!,
            ReadWith = kind.ReadWith(reference),
            Path = reference.Path,
            Encoding = reference.Encoding,
            Delimiter = reference.Delimiter,
            Header = reference.Header,
            CreatedAt = createdAt,
        };
    }

    private static CcException NotFound(string name) => new("SourceNotFound", CcErrorKind.NotFound, $"There is no source '{name}'.",
        "Get-CcSource lists those there are; New-CcSource makes one.")
    { Subject = name };
}

/// <summary>For whom a source is opened.</summary>
/// <param name="Connection">The connection whose export user reads; null: the only one there is.</param>
internal sealed record Reader(string? Connection)
{
    public Action<string> Warn { get; init; } = static _ => { };
    public Action<string> Verbose { get; init; } = static _ => { };
    /// <summary>Told when people may not have been read.</summary>
    public Action? Doubted { get; init; }
    /// <summary>An export reads as its own connection's export user: without a connection as nobody.</summary>
    public bool OfExport { get; init; }
}
