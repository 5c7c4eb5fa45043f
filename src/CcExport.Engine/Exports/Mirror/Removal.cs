using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// What a run in mode Mirror takes off its list. The addresses lie in the run's spool, written before the mark AllSealed; this, in its journal, says where and how far
/// it has come, so that a process that is killed at any point leaves all that the next one needs.
/// </summary>
internal sealed record Removal
{
    public const int FirstPiece = 2_000_001;
    private const int BetweenLists = 100_000;

    /// <summary>People who leave the list.</summary>
    public required long Planned { get; init; }
    /// <summary>Where they lie in the spool: the first piece, and how many.</summary>
    public required int First { get; init; }
    public required int Pieces { get; init; }
    /// <summary>Members of the list when they were chosen.</summary>
    public long Members { get; init; }
    /// <summary>The name of a list that was or is made to remove them by: it has to be gone in the end.</summary>
    public string? Scratch { get; init; }
    /// <summary>From here on, whoever is not on the list any more may be so because of us.</summary>
    public bool Started { get; init; }
    public bool Done { get; init; }
    /// <summary>Once it is done: who was on the list and is not any more.</summary>
    public long Removed { get; init; }

    /// <summary>Writes down whom the run takes off the list; null: nobody. Flushed when it completes.</summary>
    public static async Task<Removal?> PlanAsync(MemberKeep members, HoldOuts holdOuts, ISpool spool, CancellationToken ct)
    {
        AddressWriter planned = await AddressPieces.CopyAsync(members.Spool, MemberKeep.FirstPiece, members.Addresses.Pieces, spool, FirstPiece, holdOuts.Leaves, ct).ConfigureAwait(false);
        return planned.Count == 0 ? null : new Removal { Planned = planned.Count, First = FirstPiece, Pieces = planned.Pieces, Members = members.Addresses.Count };
    }

    /// <summary>The same for those of them that <paramref name="which"/> wants: in pieces of their own, so that what stands in the journal is whole at any time.</summary>
    public async Task<Removal> OnlyAsync(ISpool spool, Func<UInt128, bool> which, CancellationToken ct)
    {
        AddressWriter kept = await AddressPieces.CopyAsync(spool, First, Pieces, spool, First + BetweenLists, which, ct).ConfigureAwait(false);
        return kept.Count == Planned ? this : this with { Planned = kept.Count, First = First + BetweenLists, Pieces = kept.Pieces };
    }

    public Task ReadAsync(ISpool spool, Action<ReadOnlyMemory<byte>> take, CancellationToken ct) => AddressPieces.ReadAsync(spool, First, Pieces, take, ct);
}

/// <summary>How members are taken off a list.</summary>
internal enum RemovalWay
{
    /// <summary>By their ids, which the look has brought.</summary>
    KnownIds,
    /// <summary>By their ids, asked for one by one.</summary>
    Each,
    /// <summary>By their ids, found by reading the list's pages.</summary>
    Pages,
    /// <summary>Through a list that is made for it and deleted again.</summary>
    Scratch,
}

/// <summary>What each way costs in calls, and which costs least. What all ways have in common (a look before, a look after) is not counted.</summary>
internal static class RemovalCost
{
    private const int PageSize = 500;

    /// <param name="batchRows">Contacts of one import.</param>
    /// <param name="scratch">Lists can be made.</param>
    public static RemovalWay Cheapest(long people, long members, bool idsKnown, int batchRows, bool scratch = true)
        => new[] { RemovalWay.KnownIds, RemovalWay.Each, RemovalWay.Pages, RemovalWay.Scratch }
            .Where(w => (w != RemovalWay.KnownIds || idsKnown) && (w != RemovalWay.Scratch || scratch))
            .MinBy(w => Of(w, people, members, batchRows));

    public static long Of(RemovalWay way, long people, long members, int batchRows)
    {
        long jobs = Ceiling(people, ConstantContact.ConstantContactClient.IdsOfOneRemoval);
        return way switch
        {
            RemovalWay.KnownIds => jobs,
            RemovalWay.Each => people + jobs,
            RemovalWay.Pages => Math.Max(1, Ceiling(members, PageSize)) + jobs,
            // Made, filled, removed, deleted: whether it is filled, the look before says as well.
            _ => 3 + Ceiling(people, batchRows),
        };
    }

    private static long Ceiling(long all, long part) => (all + part - 1) / part;
}
