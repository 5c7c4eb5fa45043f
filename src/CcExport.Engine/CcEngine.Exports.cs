using System.Runtime.CompilerServices;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine;

/// <content>Sources, exports and runs.</content>
public sealed partial class CcEngine
{
    /// <summary>Adds a source after looking at its place: <c>NameTaken</c>, and what reading says.</summary>
    /// <param name="connection">Whose export user looks, where the source is read as one; null: the only one there is.</param>
    public Task<ProfileSource> AddSourceAsync(string name, SourceReference place, string? connection, CancellationToken ct)
        => new SourceBook(_parts).AddAsync(name, place, connection, ct);

    /// <summary>All sources, by name.</summary>
    public Task<IReadOnlyList<ProfileSource>> GetSourcesAsync(CancellationToken ct) => new SourceBook(_parts).ListAsync(ct);

    /// <summary>Whether a source can be read, and as whom.</summary>
    public Task<SourceHealth> TestSourceAsync(string name, string? connection, CancellationToken ct) => new SourceBook(_parts).TestAsync(name, connection, ct);

    /// <summary>Removes one: <c>SourceNotFound</c>; <c>SourceInUse</c> while exports read it (lists them).</summary>
    public Task RemoveSourceAsync(string name, CancellationToken ct) => new SourceBook(_parts).RemoveAsync(name, ct);

    /// <summary>The segments of a source or a path.</summary>
    public async Task<IReadOnlyList<Segment>> GetSegmentsAsync(SourceReference source, string? connection, IRunObserver observer, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(observer);
        SourceReference resolved = await new SourceBook(_parts).ResolveAsync(source, ct).ConfigureAwait(false);
        IProfileSource opened = await new SourceBook(_parts).OpenAsync(source, new Reader(connection) { Warn = observer.Warning, Verbose = observer.Verbose }, ct).ConfigureAwait(false);
        IReadOnlyList<Segment> segments = await opened.GetSegmentsAsync(ct).ConfigureAwait(false);
        foreach (Segment segment in segments) segment.Source = resolved.Name;
        new SourceBook(_parts).Saw(resolved, segments);
        return segments;
    }

    /// <summary>Segments to choose from, for completion: those of files, and of any other source those seen last; never asks the network.</summary>
    public Task<IReadOnlyList<Segment>> GetKnownSegmentsAsync(SourceReference source, CancellationToken ct) => new SourceBook(_parts).KnownSegmentsAsync(source, ct);

    /// <summary>The same of the columns of a segment; null: of the first one.</summary>
    public Task<IReadOnlyList<string>> GetKnownColumnsAsync(SourceReference source, string? segment, CancellationToken ct) => new SourceBook(_parts).KnownColumnsAsync(source, segment, ct);

    /// <summary>The columns of a segment.</summary>
    public async Task<IReadOnlyList<string>> GetColumnsAsync(SourceReference source, string segment, string? connection, CancellationToken ct)
    {
        IProfileSource opened = await new SourceBook(_parts).OpenAsync(source, new Reader(connection), ct).ConfigureAwait(false);
        IReadOnlyList<string> columns = await opened.GetColumnsAsync(segment, ct).ConfigureAwait(false);
        await SawAsync(source, opened, segment, columns, ct).ConfigureAwait(false);
        return columns;
    }

    private async Task SawAsync(SourceReference source, IProfileSource opened, string segment, IReadOnlyList<string> columns, CancellationToken ct)
    {
        if (source.Name is null || await _parts.Store.Sources.FindAsync(source.Name, ct).ConfigureAwait(false) is null) return;
        new SourceBook(_parts).Saw(await new SourceBook(_parts).ResolveAsync(source, ct).ConfigureAwait(false), opened, segment, columns);
    }

    /// <summary>
    /// Streams profiles in pages of at most 1,024 rows; null columns: all. A row that does not fit its header ends the reading
    /// (<c>RowMalformed</c>): values would stand under wrong names.
    /// </summary>
    /// <param name="observer">Told of waits, and of what does not fit together.</param>
    /// <param name="doubted">Called when people of the segment may not have been read, by the end of the reading: see <see cref="PipedProfiles.Doubt"/>.</param>
    public async IAsyncEnumerable<ProfilePage> GetProfilesAsync(
        SourceReference source, string segment, IReadOnlyList<string>? columns, long? first, string? connection, IRunObserver observer, Action doubted, [EnumeratorCancellation] CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(observer);
        IProfileSource opened = await new SourceBook(_parts).OpenAsync(source, new Reader(connection) { Warn = observer.Warning, Verbose = observer.Verbose, Doubted = doubted }, ct).ConfigureAwait(false);
        IReadOnlyList<string> existing = await opened.GetColumnsAsync(segment, ct).ConfigureAwait(false);
        await SawAsync(source, opened, segment, existing, ct).ConfigureAwait(false);
        IReadOnlyList<string> asked = columns is null ? existing : Columns.Spell(columns, existing, opened, segment);
        if (Columns.Late(asked, existing, segment) is { } late) observer.Warning(late);
        long left = first ?? long.MaxValue;
        await foreach (ProfileBatch batch in opened.ReadAsync(segment, asked, ct).ConfigureAwait(false))
        {
            int count = (int)Math.Min(left, batch.Rows);
            byte[][] rows = new byte[count][];
            for (int row = 0; row < count; row++)
            {
                if (batch.FaultOf(row) != RowFault.None) throw RowFaulty(segment, batch.FirstRow + row, batch.FaultOf(row));
                rows[row] = ProfilePage.Pack(batch, row);
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
    public async Task<Preview> PreviewAsync(RunRequest request, long? first, int maxRejections, IRunObserver observer, CancellationToken ct)
    {
        if (await SuppressionBook.AnyAsync(_parts, ct).ConfigureAwait(false)) await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        return await new PreviewMaker(_parts, observer).MakeAsync(request, first, maxRejections, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Runs an export to its end (network). Definition and preflight faults throw before a run exists; whatever stops a begun run is
    /// in the returned run (status Failed, Interrupted or WaitingForQuota, with <see cref="Run.Message"/>). Cancelling the token leaves a
    /// run that has begun to send Interrupted, and throws.
    /// </summary>
    public async Task<Run> InvokeAsync(RunRequest request, IRunObserver observer, CancellationToken ct)
    {
        return await WatchAsync(observer, request.ExportName, request.Connection, announces: true, t => InvokeWatchedAsync(request, observer, t), ct).ConfigureAwait(false);
    }

    private async Task<Run> InvokeWatchedAsync(RunRequest request, IRunObserver observer, CancellationToken ct)
    {
        await ReadyAsync(ct).ConfigureAwait(false);
        // Before old plans go: it says better than they could that it is one.
        if (request.PlanId is { } asked) await new PlanRunner(_parts, observer).FindAsync(asked, ct).ConfigureAwait(false);
        await SpoolLeftovers.RemoveAsync(_parts, ct).ConfigureAwait(false);
        if (request.PlanId is { } plan) return await new PlanRunner(_parts, observer).InvokeAsync(plan, request, ct).ConfigureAwait(false);
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
        return await WatchAsync(observer, null, null, announces: true, async t =>
        {
            await ReadyAsync(t).ConfigureAwait(false);
            await SpoolLeftovers.RemoveAsync(_parts, t).ConfigureAwait(false);
            return await new RunControl(_parts, observer).ResumeAsync(request, t).ConfigureAwait(false);
        }, ct).ConfigureAwait(false);
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

    /// <summary>
    /// Streams a run's rejections and notes in the order they were found. <c>RunNotFound</c>; <c>RejectionsMissing</c> when the run counted some and their file is not in this home:
    /// in a shared store it lies in the folder of its runners.
    /// </summary>
    public async IAsyncEnumerable<Rejection> GetRejectionsAsync(long runId, [EnumeratorCancellation] CancellationToken ct)
    {
        RunRecord run = await _parts.Store.Runs.FindAsync(runId, ct).ConfigureAwait(false)
            ?? throw new CcException("RunNotFound", CcErrorKind.NotFound, FormattableString.Invariant($"There is no run {runId}."), "Get-CcRun lists those there are.");
        RunNumbers counted = run.Numbers;
        if (counted.Invalid + counted.Duplicate + counted.Suppressed + counted.Refused + counted.Noted > 0 && !File.Exists(RejectionFile.PathOf(_parts.Home, runId)))
        {
            throw new CcException("RejectionsMissing", CcErrorKind.NotFound, FormattableString.Invariant($"Run {runId} counted profiles that were not accepted, but their list is not in '{_parts.Home.Root}'."),
                "Where several machines share a store it lies in the folder of its runners: ask there, or set CCEXPORT_HOME to that folder. Otherwise restore it from a backup.")
            { Subject = runId.ToString(System.Globalization.CultureInfo.InvariantCulture) };
        }
        await foreach (RejectionRecord r in RejectionFile.ReadAsync(_parts.Home, runId, ct).ConfigureAwait(false))
            yield return RunViews.Of(run.Id, run.Export, r);
    }
}
