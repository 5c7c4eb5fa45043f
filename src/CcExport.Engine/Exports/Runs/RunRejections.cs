using System.Runtime.CompilerServices;
using System.Text;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>A run's rejections, into its file. The file is made with the first one: most runs of clean data have none.</summary>
internal sealed class RunRejections(CcHome home, long runId, IReadOnlyList<string> segments) : IRejectionSink, IAsyncDisposable
{
    private RejectionWriter? _writer;

    /// <summary>
    /// Before a run goes on: drops what was written of batches that were not Finished when it stopped (they are closed, and named, again) and
    /// of those refused as a whole (named when the run closes).
    /// </summary>
    public static async Task KeepFinishedAsync(CcHome home, long runId, HashSet<int> finished, Action<string> warn, CancellationToken ct)
    {
        try
        {
            bool whole = true;
            await foreach (RejectionRecord r in RejectionFile.ReadAsync(home, runId, ct).ConfigureAwait(false)) whole &= IsOfFinished(r, finished);
            if (!whole) await RejectionFile.RewriteAsync(home, runId, r => IsOfFinished(r, finished) ? r : null).ConfigureAwait(false);
        }
        catch (CcException e) when (e.ErrorId == "RejectionsUnreadable")
        {
            // A damaged disk has taken the reasons; it must not take the run as well.
            RejectionFile.SetAside(home, runId);
            warn(FormattableString.Invariant($"The rejection file of run {runId} was damaged and is set aside: the run's numbers are right, but reasons found before are missing."));
        }
    }

    private static bool IsOfFinished(RejectionRecord r, HashSet<int> finished) => r.Batch is not { } batch || (finished.Contains(batch) && r.ReasonId != Reasons.BatchRefused);

    /// <summary>The same in the middle of a run: what was written, or is about to be, of batches that have no fate yet.</summary>
    public Task KeepFinishedAsync(HashSet<int> finished) => KeepAsync(r => IsOfFinished(r, finished));

    private RejectionWriter Writer => _writer ??= RejectionFile.OpenWriter(home, runId);

    public void Add(RejectionKind kind, long row, int segment, ReadOnlySpan<byte> key, string? field, string reason)
        => Writer.Write(new RejectionEntry { Kind = kind, Row = row, Segment = segments[segment], Key = key, Field = field, ReasonId = reason });

    public void AddDuplicate(ProfilePlace profile, ReadOnlySpan<byte> key, ProfilePlace winner) => Writer.Write(new RejectionEntry
    {
        Kind = RejectionKind.Duplicate,
        Row = profile.Row,
        Segment = segments[profile.Segment],
        Key = key,
        Field = StandardFields.Email,
        ReasonId = Reasons.Duplicate,
        WinnerRow = winner.Row,
        WinnerSegment = winner.Row == 0 ? null : segments[winner.Segment],
    });

    /// <summary>A line that holds the key until it is known who wins; none stays (<see cref="DuplicateSettler"/>).</summary>
    public void AddUnchanged(uint number, ProfilePlace profile, ReadOnlySpan<byte> key)
        => Writer.Write(new RejectionEntry { Kind = RejectionKind.Duplicate, Row = profile.Row, Segment = segments[profile.Segment], Key = key, ReasonId = UnchangedYet });

    /// <summary>In place of a reason: not sent since nothing has changed, unless a newer profile comes.</summary>
    public const string UnchangedYet = nameof(UnchangedYet);

    /// <summary>Drops what does not stand any more, in one step.</summary>
    public Task KeepAsync(Func<RejectionRecord, bool> keep) => ChangeAsync(r => keep(r) ? r : null, CancellationToken.None);

    /// <summary>Changes what is written, or (null) drops it, in one step.</summary>
    public async Task ChangeAsync(Func<RejectionRecord, RejectionRecord?> change, CancellationToken ct)
    {
        if (_writer is { } writer)
        {
            await writer.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            writer.Dispose();
            _writer = null;
        }
        await RejectionFile.RewriteAsync(home, runId, change, ct).ConfigureAwait(false);
    }

    /// <summary>All that is written so far.</summary>
    /// <param name="ofSent">Only what became of contacts after they were sealed.</param>
    public async IAsyncEnumerable<RejectionRecord> ReadAsync([EnumeratorCancellation] CancellationToken ct, bool ofSent = false)
    {
        await FlushAsync(ct).ConfigureAwait(false);
        await foreach (RejectionRecord r in RejectionFile.ReadAsync(home, runId, ct, ofSent).ConfigureAwait(false)) yield return r;
    }

    /// <summary>The segments as the run numbers them.</summary>
    public IReadOnlyList<string> Segments => segments;

    /// <summary>One contact of a batch, by name.</summary>
    public void AddRow(RejectionKind kind, RowOrigin origin, int batch, string reason, string? text = null) => Writer.Write(new RejectionEntry
    {
        Kind = kind,
        Row = origin.Row,
        Segment = segments[origin.Segment],
        Key = origin.Key is null ? default : Encoding.UTF8.GetBytes(origin.Key),
        ReasonId = reason,
        Batch = batch,
        Text = text,
    });

    /// <summary>Contacts of a batch that nobody named.</summary>
    public void AddBatch(RejectionKind kind, int batch, int count, string reason, string? text = null)
        => Writer.Write(new RejectionEntry { Kind = kind, ReasonId = reason, Count = count, Batch = batch, Text = text });

    /// <summary>What concerns so many people of no batch.</summary>
    public void AddNote(int count, string reason) => Writer.Write(new RejectionEntry { Kind = RejectionKind.Noted, ReasonId = reason, Count = count });

    public Task FlushAsync(CancellationToken ct) => _writer?.FlushAsync(ct) ?? Task.CompletedTask;

    public ValueTask DisposeAsync()
    {
        try
        {
            _writer?.Dispose();
        }
        catch (CcException)
        {
            // Whatever has to be kept was flushed, and a flush that failed was told: that is what the run ends with, not this.
        }
        return default;
    }
}
