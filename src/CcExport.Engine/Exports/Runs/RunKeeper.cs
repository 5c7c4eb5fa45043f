using CcExport.Engine.Fingerprints;
using CcExport.Engine.PreImages;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Removes runs that were kept for as long as they should be, with their batches and rejections: in small steps, after a run has closed, at most once an hour in a store,
/// and for a moment only; what is left then goes an hour later. Whatever goes wrong here costs no run anything.
/// </summary>
internal sealed class RunKeeper(EngineParts parts)
{
    private const int Page = 200, RunsAStep = 50, BatchesAStep = 500;

    // The service forgets its jobs after ten days. Until then a run's activity ids say that those jobs are nobody else's.
    private static readonly TimeSpan JobsRemembered = TimeSpan.FromDays(10);
    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(2);

    /// <param name="now">Not only when it was not done for an hour: something goes at once.</param>
    public async Task TidyAsync(bool now)
    {
        try
        {
            // It reads what grows with the history: not after each of a thousand runs a night.
            if (!now && !await parts.Store.Runs.TryBeginTidyingAsync(parts.Time.GetUtcNow(), parts.TidyEvery, CancellationToken.None).ConfigureAwait(false)) return;
            await TidyAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The run that has just closed is closed and told; old ones are removed after the next.
        }
    }

    /// <summary>A run that went through sent the same people again: what earlier ones kept for a second try is needed no more.</summary>
    public async Task ForgetSupersededAsync(RunRecord newer)
    {
        try
        {
            await ForgetSpoolsAsync(r => r.Id < newer.Id && (newer.Export is null
                ? r.Export is null && r.ConnectionId == newer.ConnectionId && r.ListId == newer.ListId
                : newer.Export.Equals(r.Export, StringComparison.OrdinalIgnoreCase)), CancellationToken.None).ConfigureAwait(false);
        }
        catch (CcException)
        {
            // They go with the next one, or when their days are over.
        }
    }

    private async Task ForgetSpoolsAsync(Func<RunRecord, bool> over, CancellationToken ct)
    {
        long[] ids = [.. (await parts.Store.Runs.ListAsync(new RunQuery(KeptSpoolOnly: true), ct).ConfigureAwait(false)).Where(over).Select(r => r.Id)];
        if (ids.Length == 0) return;
        foreach (long id in await parts.Store.Runs.ForgetSpoolsAsync(ids, ct).ConfigureAwait(false)) Spool.Remove(Spool.FolderOf(parts.Home.SpoolFolder, id));
    }

    private async Task TidyAsync(CancellationToken ct)
    {
        long began = parts.Time.GetTimestamp();
        DateTimeOffset now = parts.Time.GetUtcNow();
        var exports = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (DefinitionRecord export in await parts.Store.Exports.ListAsync(ct).ConfigureAwait(false))
            exports[export.Name] = ExportDefinition.FromJson(export.Json).KeepDays ?? Limits.KeepDays;

        // The contacts that a run kept for a second try go on its day, whatever else of it stays.
        await ForgetSpoolsAsync(r => now - r.CompletedAt!.Value >= TimeSpan.FromDays(DaysOf(r, exports)), ct).ConfigureAwait(false);

        await ForgetPreImagesAsync(now, ct).ConfigureAwait(false);

        long after = 0;
        // A day is the least that a run can be kept for.
        while (await parts.Store.Runs.ListDispensableAsync(now.AddDays(-1), after, Page, ct).ConfigureAwait(false) is { Count: > 0 } page)
        {
            List<RunRecord> step = [];
            foreach (RunRecord run in page)
            {
                TimeSpan age = now - run.CompletedAt!.Value, kept = TimeSpan.FromDays(DaysOf(run, exports));
                if (age < kept) continue;
                // The file first: a run without its file is removed the next time, a file without its run would stay.
                RejectionFile.Delete(parts.Home, run.Id);
                TraceFile.Delete(parts.Home, run.Id);
                if (age < JobsRemembered) continue;
                step.Add(run);
                if (step.Count < RunsAStep && step.Sum(r => r.Numbers.Batches) < BatchesAStep) continue;
                await RemoveAsync(step, ct).ConfigureAwait(false);
                if (parts.Time.GetElapsedTime(began) > AtMost) return;
            }
            await RemoveAsync(step, ct).ConfigureAwait(false);
            if (parts.Time.GetElapsedTime(began) > AtMost) return;
            after = page[^1].Id;
        }
    }

    /// <summary>What contacts were before a run goes after thirty days, and as soon as the run is undone; the key first, for without it the file is noise.</summary>
    private async Task ForgetPreImagesAsync(DateTimeOffset now, CancellationToken ct)
    {
        List<PreImageRecord> over = [];
        foreach (PreImageRecord one in await parts.Store.PreImages.ListAsync(ct).ConfigureAwait(false))
        {
            if (now - one.CreatedAt >= TimeSpan.FromDays(Limits.UndoDays)) over.Add(one);
            else if (one is { Key: not null, UndoneBy: { } by } && await parts.Store.Runs.FindAsync(by, ct).ConfigureAwait(false) is { Status: RunStatus.Completed or RunStatus.CompletedWithErrors })
            {
                await parts.Store.PreImages.PutAsync(one with { Key = null, File = null }, ct).ConfigureAwait(false);
                PreImageFile.Remove(parts.Home, one.File);
            }
        }
        if (over.Count == 0) return;
        await parts.Store.PreImages.RemoveAsync([.. over.Select(o => o.RunId)], ct).ConfigureAwait(false);
        foreach (PreImageRecord one in over) PreImageFile.Remove(parts.Home, one.File);
    }

    private async Task RemoveAsync(List<RunRecord> step, CancellationToken ct)
    {
        if (step.Count > 0) await parts.Store.Runs.RemoveRunsAsync([.. step.Select(r => r.Id)], ct).ConfigureAwait(false);
        step.Clear();
    }

    /// <summary>As its export says today; without one (piped, or removed since) as was said when it began.</summary>
    private static int DaysOf(RunRecord run, Dictionary<string, int> exports)
        => run.Export is { } name && exports.TryGetValue(name, out int days) ? days : ExportDefinition.FromJson(run.Definition).KeepDays ?? Limits.KeepDays;
}
