namespace CcExport.Engine.Exports;

/// <summary>An export that runners look after.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsOn">It has a schedule, and that is on; else somebody asked for a run of it.</param>
/// <param name="IsKnown">Whether it is due is known from the store; else <see cref="CcEngine.FindDueAsync"/> asks its source.</param>
/// <param name="DueAt">When it became due; null: it is not, or that is not known.</param>
public sealed record ScheduledExport(string Name, bool IsOn, bool IsKnown, DateTimeOffset? DueAt);
