namespace CcExport.Engine.Store;

/// <summary>Which failures of each export have been announced since it went well last. They go with the export.</summary>
internal interface IAnnouncementStore
{
    /// <summary>
    /// Notes one that is about to be announced; false when it is noted already, or the export is gone. Of several that ask at the same time one gets true.
    /// </summary>
    Task<bool> TryNoteAsync(string export, string errorId, DateTimeOffset at, CancellationToken ct);
    /// <summary>Forgets one, or all of the export (null).</summary>
    Task ForgetAsync(string export, string? errorId, CancellationToken ct);
}
