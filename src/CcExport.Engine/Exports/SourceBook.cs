using System.Text.Json;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Named sources, and how any source is opened.</summary>
internal sealed class SourceBook(EngineParts parts)
{
    public async Task<ProfileSource> AddAsync(string name, SourceReference reference, CancellationToken ct)
    {
        // Looked at before it is kept: a source that cannot be read is found out now and not at night.
        await Open(reference).GetSegmentsAsync(ct).ConfigureAwait(false);
        DateTimeOffset now = parts.Time.GetUtcNow();
        SourceReference stored = reference with { Name = null };
        await parts.Store.Sources.SaveAsync(
            new DefinitionRecord { Name = name, Json = JsonSerializer.Serialize(stored, DefinitionJson.Default.SourceReference), CreatedAt = now, UpdatedAt = now },
            replace: false, ct).ConfigureAwait(false);
        return View(name, stored, now);
    }

    public async Task<IReadOnlyList<ProfileSource>> ListAsync(CancellationToken ct)
    {
        IReadOnlyList<DefinitionRecord> all = await parts.Store.Sources.ListAsync(ct).ConfigureAwait(false);
        return [.. all.Select(r => View(r.Name, Read(r), r.CreatedAt))];
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
    }

    /// <summary>The reference with its path, and the source's proper name.</summary>
    public async Task<SourceReference> ResolveAsync(SourceReference reference, CancellationToken ct)
    {
        if (reference.Name is null) return reference;
        DefinitionRecord record = await parts.Store.Sources.FindAsync(reference.Name, ct).ConfigureAwait(false) ?? throw NotFound(reference.Name);
        return Read(record) with { Name = record.Name };
    }

    public async Task<IProfileSource> OpenAsync(SourceReference reference, CancellationToken ct) => Open(await ResolveAsync(reference, ct).ConfigureAwait(false));

    private static FileSource Open(SourceReference reference)
    {
        string path = reference.Path ?? throw new CcException("SourceIncomplete", CcErrorKind.InvalidArgument, "The source has no path.", "Give one with -Path.");
        return FileSource.Open(path, new FileSourceOptions(reference.Encoding, reference.Delimiter, reference.Header));
    }

    private static SourceReference Read(DefinitionRecord record) => JsonSerializer.Deserialize(record.Json, DefinitionJson.Default.SourceReference)!;

    private static ProfileSource View(string name, SourceReference reference, DateTimeOffset createdAt) => new()
    {
        Name = name,
        Kind = FileSource.KindOf(reference.Path!).ToString(),
        Path = reference.Path!,
        Encoding = reference.Encoding,
        Delimiter = reference.Delimiter,
        Header = reference.Header,
        CreatedAt = createdAt,
    };

    private static CcException NotFound(string name) => new("SourceNotFound", CcErrorKind.NotFound, $"There is no source '{name}'.",
        "Get-CcSource lists those there are; New-CcSource makes one.")
    { Subject = name };
}
