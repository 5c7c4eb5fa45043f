namespace CcExport.Engine.Store;

/// <summary>Which file holds what the contacts of a run were before it; the file itself is its own room's.</summary>
internal interface IPreImageStore
{
    Task<PreImageRecord?> FindAsync(long runId, CancellationToken ct);
    Task<IReadOnlyList<PreImageRecord>> ListAsync(CancellationToken ct);
    /// <summary>Adds one, or writes over it.</summary>
    Task PutAsync(PreImageRecord record, CancellationToken ct);
    /// <summary>The run is being undone, or was, by another one.</summary>
    Task UndoneByAsync(long runId, long by, CancellationToken ct);
    /// <summary>Removes the rows, and with each the only key to its file.</summary>
    Task RemoveAsync(IReadOnlyCollection<long> runIds, CancellationToken ct);
}

/// <summary>Where the former values of a run's contacts lie, or why there are none.</summary>
internal sealed record PreImageRecord
{
    public required long RunId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>Null when there is none (any more).</summary>
    public string? File { get; init; }
    /// <summary>The file's key, wrapped by the ring.</summary>
    public byte[]? Key { get; init; }
    /// <summary>Why there is no file, as a clause for a person.</summary>
    public string? Why { get; init; }
    /// <summary>The run that undoes it.</summary>
    public long? UndoneBy { get; init; }
}
