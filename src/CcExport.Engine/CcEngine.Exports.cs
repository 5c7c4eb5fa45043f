using System.Runtime.CompilerServices;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine;

/// <content>Sources, exports and runs.</content>
public sealed partial class CcEngine
{
    /// <summary>Adds a source after looking at its path: <c>NameTaken</c>, and what reading says.</summary>
    public Task<ProfileSource> AddSourceAsync(string name, SourceReference path, CancellationToken ct) => new SourceBook(_parts).AddAsync(name, path, ct);

    /// <summary>All sources, by name.</summary>
    public Task<IReadOnlyList<ProfileSource>> GetSourcesAsync(CancellationToken ct) => new SourceBook(_parts).ListAsync(ct);

    /// <summary>Removes one: <c>SourceNotFound</c>; <c>SourceInUse</c> while exports read it (lists them).</summary>
    public Task RemoveSourceAsync(string name, CancellationToken ct) => new SourceBook(_parts).RemoveAsync(name, ct);

    /// <summary>The segments of a source or a path.</summary>
    public async Task<IReadOnlyList<Segment>> GetSegmentsAsync(SourceReference source, CancellationToken ct)
    {
        SourceReference resolved = await new SourceBook(_parts).ResolveAsync(source, ct).ConfigureAwait(false);
        IProfileSource opened = await new SourceBook(_parts).OpenAsync(source, ct).ConfigureAwait(false);
        IReadOnlyList<Segment> segments = await opened.GetSegmentsAsync(ct).ConfigureAwait(false);
        foreach (Segment segment in segments) segment.Source = resolved.Name;
        return segments;
    }

    /// <summary>The columns of a segment.</summary>
    public async Task<IReadOnlyList<string>> GetColumnsAsync(SourceReference source, string segment, CancellationToken ct)
    {
        IProfileSource opened = await new SourceBook(_parts).OpenAsync(source, ct).ConfigureAwait(false);
        return await opened.GetColumnsAsync(segment, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Streams profiles in pages of at most 1,024 rows; null columns: all. A row that does not fit its header ends the reading
    /// (<c>RowMalformed</c>): values would stand under wrong names.
    /// </summary>
    public async IAsyncEnumerable<ProfilePage> GetProfilesAsync(
        SourceReference source, string segment, IReadOnlyList<string>? columns, long? first, [EnumeratorCancellation] CancellationToken ct)
    {
        IProfileSource opened = await new SourceBook(_parts).OpenAsync(source, ct).ConfigureAwait(false);
        IReadOnlyList<string> existing = await opened.GetColumnsAsync(segment, ct).ConfigureAwait(false);
        IReadOnlyList<string> asked = columns is null ? existing : ResolveColumns(columns, existing, segment);
        long left = first ?? long.MaxValue;
        await foreach (ProfileBatch batch in opened.ReadAsync(segment, asked, ct).ConfigureAwait(false))
        {
            int count = (int)Math.Min(left, batch.Rows);
            var rows = new string?[count][];
            for (int row = 0; row < count; row++)
            {
                if (batch.FaultOf(row) != RowFault.None) throw RowFaulty(segment, batch.FirstRow + row, batch.FaultOf(row));
                string?[] values = new string?[asked.Count];
                for (int column = 0; column < values.Length; column++)
                    values[column] = batch.IsNull(row, column) ? null : Encoding.UTF8.GetString(batch[row, column]);
                rows[row] = values;
            }
            if (count > 0) yield return new ProfilePage(asked, rows);
            left -= count;
            if (left == 0) yield break;
        }
    }

    private static CcException RowFaulty(string segment, long row, RowFault fault) => new("RowMalformed", CcErrorKind.InvalidData,
        FormattableString.Invariant($"Row {row:N0} of '{segment}' {(fault == RowFault.FieldCount ? "has fewer or more fields than its header" : "is not well formed")}."),
        "Mend the row in the source. An export counts such rows as invalid and goes on.")
    { Subject = segment };

    /// <summary>Creates or changes an export; never runs it. <c>ExportIncomplete</c> names what a new one lacks.</summary>
    public Task<Export> SetExportAsync(ExportChange change, CancellationToken ct) => new ExportBook(_parts).SetAsync(change, ct);

    /// <summary>All exports, by name, with their last run.</summary>
    public Task<IReadOnlyList<Export>> GetExportsAsync(CancellationToken ct) => new ExportBook(_parts).ListAsync(ct);

    /// <summary>Removes one; its runs stay. <c>ExportNotFound</c>.</summary>
    public Task RemoveExportAsync(string name, CancellationToken ct) => new ExportBook(_parts).RemoveAsync(name, ct);

    /// <summary>Reads and maps as a run would, and sends nothing.</summary>
    /// <param name="first">Most profiles to read; null: all.</param>
    /// <param name="maxRejections">Most rejections to keep; reading and counting go on beyond it.</param>
    public Task<Preview> PreviewAsync(RunRequest request, long? first, int maxRejections, IRunObserver observer, CancellationToken ct)
        => new PreviewMaker(_parts, observer).MakeAsync(request, first, maxRejections, ct);

    /// <summary>
    /// Runs an export to its end (network). Definition and preflight faults throw before a run exists; whatever stops a begun run is
    /// in the returned run (status Failed, Interrupted or WaitingForQuota, with <see cref="Run.Message"/>). Cancelling the token leaves a
    /// run that has begun to send Interrupted, and throws.
    /// </summary>
    public async Task<Run> InvokeAsync(RunRequest request, IRunObserver observer, CancellationToken ct)
    {
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        await SpoolLeftovers.RemoveAsync(_parts, ct).ConfigureAwait(false);
        return await new RunConductor(_parts, observer).InvokeAsync(request, ct).ConfigureAwait(false);
    }

    /// <summary>Runs, newest first.</summary>
    public async Task<IReadOnlyList<Run>> GetRunsAsync(string? export, int? last, CancellationToken ct)
        => await RunViews.OfAsync(await _parts.Store.Runs.ListAsync(new RunQuery(export, Limit: last ?? int.MaxValue), ct).ConfigureAwait(false), _parts, ct).ConfigureAwait(false);

    /// <summary>One run; null when there is none of that number.</summary>
    public async Task<Run?> GetRunAsync(long id, CancellationToken ct)
        => await _parts.Store.Runs.FindAsync(id, ct).ConfigureAwait(false) is { } run ? (await RunViews.OfAsync([run], _parts, ct).ConfigureAwait(false))[0] : null;

    /// <summary>
    /// Goes on with a run that is not at its end (network), or opens one again whose contacts' fate is open (<see cref="ResumeRequest"/>).
    /// <c>RunNotFound</c>, <c>RunEnded</c>, <c>RunNotSealed</c>, <c>RunInProgress</c>.
    /// </summary>
    public async Task<Run> ResumeAsync(ResumeRequest request, IRunObserver observer, CancellationToken ct)
    {
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        await SpoolLeftovers.RemoveAsync(_parts, ct).ConfigureAwait(false);
        return await new RunControl(_parts, observer).ResumeAsync(request, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Ends a run for good, whoever runs it, and returns it with its final numbers. Its runner does it, within seconds; where there is none
    /// any more, it is done here (network: what the service has taken is counted). <c>RunNotFound</c>, <c>RunEnded</c>.
    /// </summary>
    public async Task<Run> StopAsync(long runId, IRunObserver observer, CancellationToken ct)
    {
        try
        {
            await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        }
        catch (CcException)
        {
            // A lost key ring is one of the reasons for ending a run: that needs no secret, only the last look at the service does.
        }
        return await new RunControl(_parts, observer).StopAsync(runId, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Waits until a run is over, or nobody runs it any more: then it is returned as what it is. <c>RunNotFound</c>; <c>WaitTimeout</c> after
    /// <paramref name="timeout"/> (null: none).
    /// </summary>
    public Task<Run> WaitAsync(long runId, TimeSpan? timeout, IRunObserver observer, CancellationToken ct) => new RunControl(_parts, observer).WaitAsync(runId, timeout, ct);

    /// <summary>Streams a run's rejections and notes in the order they were found. <c>RunNotFound</c>.</summary>
    public async IAsyncEnumerable<Rejection> GetRejectionsAsync(long runId, [EnumeratorCancellation] CancellationToken ct)
    {
        RunRecord run = await _parts.Store.Runs.FindAsync(runId, ct).ConfigureAwait(false)
            ?? throw new CcException("RunNotFound", CcErrorKind.NotFound, FormattableString.Invariant($"There is no run {runId}."), "Get-CcRun lists those there are.");
        await foreach (RejectionRecord r in RejectionFile.ReadAsync(_parts.Home, runId, ct).ConfigureAwait(false))
            yield return RunViews.Of(run.Id, run.Export, r.Kind, r.Row, r.Segment, r.Key, r.Field, r.ReasonId, r.Count, r.Batch, r.Text);
    }
}

/// <summary>Some profiles as text, for people who look and filter.</summary>
/// <param name="Columns">The same list for all pages of a reading.</param>
/// <param name="Rows">Values in the columns' order; null: not there.</param>
public sealed record ProfilePage(IReadOnlyList<string> Columns, IReadOnlyList<string?[]> Rows);
