using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Where rejections and notes go while a run reads: a file in bulk, or a preview's list.</summary>
internal interface IRejectionSink
{
    /// <param name="field">The contact field; null where it is about the whole row.</param>
    void Add(RejectionKind kind, long row, int segment, ReadOnlySpan<byte> key, string? field, string reason);

    /// <summary>A profile that lost to another of the run.</summary>
    /// <param name="winner">As far as it is known now: a newer one may come.</param>
    void AddDuplicate(ProfilePlace profile, ReadOnlySpan<byte> key, ProfilePlace winner);

    /// <summary>
    /// Where the newest profile wins: one that is not sent because nothing has changed. It is no rejection, but it may be beaten yet, or win, and then its
    /// key is asked for.
    /// </summary>
    void AddUnchanged(uint number, ProfilePlace profile, ReadOnlySpan<byte> key);
}
