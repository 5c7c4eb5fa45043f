using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Where rejections and notes go while a run reads: a file in bulk, or a preview's list.</summary>
internal interface IRejectionSink
{
    /// <param name="field">The contact field; null where it is about the whole row.</param>
    void Add(RejectionKind kind, long row, int segment, ReadOnlySpan<byte> key, string? field, string reason);
}
