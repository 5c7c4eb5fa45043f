using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// The last step of a run in mode Mirror, once all that was to be sent has its fate: those who left the segments leave the list, as <see cref="Removal"/> has them. What
/// a process that died has begun goes on here: the list is read first, and only who is still on it, and still nobody else's, is taken off.
/// </summary>
internal sealed class MirrorRemoval(EngineParts parts, RunReporter reporter, ConstantContactClient client, RunLease? lease, ISpool spool, RunRejections rejections)
{
    private const int Attempts = 3;

    /// <summary>A look at the list that is older proves too little: addresses of people who were deleted since would be made contacts again.</summary>
    private static readonly TimeSpan GoodFor = TimeSpan.FromHours(1);

    private readonly ListReader _reader = new(client, parts.Time, parts.Upload);

    /// <summary>Whom a run takes off the list is known once all is read: it is written down, before anything is sent. With the run, why nobody is taken off; null: nothing prevents it.</summary>
    /// <param name="doubt">Why people may not have been read, as the beginning of a sentence; null: all were.</param>
    public static async Task<(RunRecord Run, string? Why)> PlanAsync(EngineParts parts, RunReporter reporter, RunRecord run, ISpool spool, MemberKeep? members, HoldOuts holdOuts, string? doubt, CancellationToken ct)
    {
        if (members is null) return (run, null);
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        bool plan = run.PlannedAt is not null;
        if (!holdOuts.SawAny && !definition.Force)
        {
            return members.Addresses.Count == 0 ? (run, null) : Keep("No profile with a usable address was read: nobody is taken off the list. If the segments are meant to be empty, run the export with -Force.");
        }
        if (doubt is not null && !definition.Force)
        {
            return Keep($"{doubt}: nobody is taken off the list "
                + (plan ? "by this plan. Make it again when all can be read." : "by this run. One that can read all does it; -Force does it now."));
        }
        if (await Removal.PlanAsync(members, holdOuts, spool, ct).ConfigureAwait(false) is not { } removal) return (run, null);
        run = run with { Definition = (definition with { Removal = removal }).ToJson() };
        await parts.Store.Runs.DefineAsync(run.Id, run.Definition, ct).ConfigureAwait(false);
        return (run, null);

        (RunRecord, string?) Keep(string why)
        {
            reporter.Warning(why);
            return (run, why);
        }
    }

    /// <summary>The run with its removal done; as it is when there is none to do.</summary>
    /// <param name="goesOn">The list was looked at by a process before this one.</param>
    public async Task<RunRecord> RemoveAsync(RunRecord run, ConnectionRecord connection, bool goesOn, int requests, CancellationToken ct)
    {
        if (ExportDefinition.FromJson(run.Definition).Removal is not { Done: false } plan) return run;
        await parts.Store.Runs.SetStatusAsync(run.Id, RunStatus.Running, null, ct, requests).ConfigureAwait(false);
        reporter.Stage("Removing", FormattableString.Invariant($"Taking {plan.Planned:N0} contact(s) off the list{(run.Trigger == "Undo" ? "" : " that the segments no longer have")}."));
        DuplicateIndex? there = null;
        try
        {
            bool again = goesOn || plan.Started || parts.Time.GetUtcNow() - run.StartedAt > GoodFor;
            if (again)
            {
                try
                {
                    there = await ThereAsync(run.ListId, plan, ct).ConfigureAwait(false);
                }
                catch (CcException e) when (e.ErrorId == "ListNotReadable" && !plan.Started)
                {
                    // Once people may have been taken off it is no end: they would count as still there, and later as people who left.
                    reporter.Warning($"Nobody is taken off the list: who is still on it cannot be read. {e.Message}");
                    return await EndAsync(run, plan, 0, null, ct).ConfigureAwait(false);
                }
                (run, plan) = await ReviseAsync(run, plan, connection, there, ct).ConfigureAwait(false);
                using DuplicateIndex before = there;
                there = await ThoseAsync(plan, before, ct).ConfigureAwait(false);
            }
            else
            {
                // A plan may have waited for its word for a day, and a run of another export ended meanwhile: what that had accepted is its, on the list from before or not.
                (run, plan) = await ReviseAsync(run, plan, connection, null, ct).ConfigureAwait(false);
            }
            for (int attempt = 1; there?.Count != 0 && plan.Planned > 0; attempt++)
            {
                (run, plan, bool proved, long fewer, CcException? failure) = await OnceAsync(run, plan, there, ct).ConfigureAwait(false);
                there?.Dispose();
                there = null;
                if (proved)
                {
                    there = new DuplicateIndex();
                    break;
                }
                try
                {
                    there = await ThereAsync(run.ListId, plan, ct).ConfigureAwait(false);
                }
                catch (CcException e) when (e.ErrorId == "ListNotReadable")
                {
                    reporter.Warning(FormattableString.Invariant($"The list has {fewer:N0} members fewer, where {plan.Planned:N0} were to be taken off; who is still on it cannot be read. {e.Message}"));
                    return await EndAsync(run, plan, Math.Clamp(fewer, 0, plan.Planned), null, ct).ConfigureAwait(false);
                }
                if (attempt < Attempts || there.Count == 0) continue;
                reporter.Warning(FormattableString.Invariant($"{there.Count:N0} contact(s) that the segments no longer have are still on the list. {(failure is null ? "" : RunCloser.Explain(failure))}").TrimEnd());
                break;
            }
            return await EndAsync(run, plan, plan.Planned - (there?.Count ?? 0), there, ct).ConfigureAwait(false);
        }
        finally
        {
            there?.Dispose();
        }
    }

    /// <summary>A run is given up in the middle of it: what it has done by now is counted and remembered as far as a short look tells, and the list to remove by goes.</summary>
    public async Task<RunRecord> AbandonAsync(RunRecord run, TimeSpan patience)
    {
        if (ExportDefinition.FromJson(run.Definition).Removal is not { Done: false } plan || plan is { Started: false, Scratch: null }) return run;
        using var patient = new CancellationTokenSource(patience, parts.Time);
        try
        {
            if (!plan.Started) return (await ForgetScratchAsync(run, plan, patient.Token).ConfigureAwait(false)).Run;
            using DuplicateIndex there = await ThereAsync(run.ListId, plan, patient.Token).ConfigureAwait(false);
            return await EndAsync(run, plan, plan.Planned - there.Count, there, patient.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is CcException or OperationCanceledException)
        {
            reporter.Warning(FormattableString.Invariant($"How many of {plan.Planned:N0} contacts were taken off the list before run {run.Id} was given up is not known.{(plan.Scratch is { } name ? $" Delete the list '{name}', if it is there." : "")}"));
            return run;
        }
    }

    /// <summary>Those of the plan who are on the list now.</summary>
    private async Task<DuplicateIndex> ThereAsync(string listId, Removal plan, CancellationToken ct)
    {
        using DuplicateIndex planned = await ListRemover.HashesAsync(spool, plan, ct).ConfigureAwait(false);
        var there = new DuplicateIndex();
        try
        {
            await _reader.ReadRowsAsync(listId, ["email_address"], [], [], _ =>
            {
                there.Dispose();
                there = new DuplicateIndex();
            }, (batch, _) =>
            {
                for (int row = 0; row < batch.Rows; row++)
                {
                    UInt128 hash = SentContact.HashOf(batch[row, 0], default, default, NameFields.None);
                    if (planned.Contains(hash)) there.Add(hash);
                }
                return default;
            }, ct).ConfigureAwait(false);
            return there;
        }
        catch
        {
            there.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whom another export has put on the list meanwhile stays. Who is not there any more, although nothing has been removed yet, has left by herself and is remembered
    /// as one who did.
    /// </summary>
    /// <param name="there">Who is still on the list; null: it was looked at a moment ago.</param>
    private async Task<(RunRecord, Removal)> ReviseAsync(RunRecord run, Removal plan, ConnectionRecord connection, DuplicateIndex? there, CancellationToken ct)
    {
        using ListMemory memory = await ListMemory.OpenAsync(parts, run.Export, connection, run.ListId, forget: true, ct).ConfigureAwait(false);
        Removal revised = await plan.OnlyAsync(spool, hash => there?.Contains(hash) != false ? !memory.IsOthers(hash) : plan.Started, ct).ConfigureAwait(false);
        return ReferenceEquals(revised, plan) ? (run, plan) : await DefineAsync(run, revised, ct).ConfigureAwait(false);
    }

    private async Task<(RunRecord, Removal, bool Proved, long Fewer, CcException? Failure)> OnceAsync(RunRecord run, Removal plan, DuplicateIndex? there, CancellationToken ct)
    {
        (run, plan) = await ForgetScratchAsync(run, plan, ct).ConfigureAwait(false);
        async Task BeginsAsync()
        {
            if (!plan.Started) (run, plan) = await DefineAsync(run, plan with { Started = true }, ct).ConfigureAwait(false);
        }
        var remover = new ListRemover(parts, client, spool, AssureAsync, BeginsAsync, job => parts.Store.Runs.ClaimAsync(run.Id, job, CancellationToken.None), reporter.Verbose);
        try
        {
            (bool proved, long fewer) = await remover.RemoveAsync(run.ListId, plan, there, async () =>
            {
                // Nobody else can have a list of this name: what is on it, is on it for this removal.
                string name = FormattableString.Invariant($"CcExport removal {run.Id} {Guid.NewGuid():N}");
                (run, plan) = await DefineAsync(run, plan with { Scratch = name }, ct).ConfigureAwait(false);
                return name;
            }, ct).ConfigureAwait(false);
            (run, plan) = await ForgetScratchAsync(run, plan, ct, remover.Scratch).ConfigureAwait(false);
            return (run, plan, proved, fewer, null);
        }
        catch (CcException e) when (e.ErrorId is "ServiceRefused" or "ServiceConflict" or "PlanLimitReached")
        {
            return (run, plan, false, 0, e);
        }
    }

    /// <summary>Who of those on the list is (still) in the plan.</summary>
    private async Task<DuplicateIndex> ThoseAsync(Removal plan, DuplicateIndex there, CancellationToken ct)
    {
        var those = new DuplicateIndex();
        await plan.ReadAsync(spool, piece =>
        {
            var row = new AddressReader(piece.Span);
            while (row.Next())
            {
                if (there.Contains(row.Hash)) those.Add(row.Hash);
            }
        }, ct).ConfigureAwait(false);
        return those;
    }

    private Task AssureAsync(CancellationToken ct) => lease?.AssureAsync(ct) ?? Task.CompletedTask;

    /// <param name="known">The list; null: it is found by its name, if there is one.</param>
    private async Task<(RunRecord Run, Removal Plan)> ForgetScratchAsync(RunRecord run, Removal plan, CancellationToken ct, ContactList? known = null)
    {
        if (plan.Scratch is not { } name) return (run, plan);
        await AssureAsync(ct).ConfigureAwait(false);
        if ((known ?? await client.FindListAsync(name, ct).ConfigureAwait(false)) is { } list) await client.DeleteListAsync(list.ListId, ct).ConfigureAwait(false);
        return await DefineAsync(run, plan with { Scratch = null }, ct).ConfigureAwait(false);
    }

    /// <param name="there">Who is still on the list; null: not known, and then nobody is forgotten unless all have gone.</param>
    private async Task<RunRecord> EndAsync(RunRecord run, Removal plan, long removed, DuplicateIndex? there, CancellationToken ct)
    {
        (run, plan) = await ForgetScratchAsync(run, plan, ct).ConfigureAwait(false);
        long left = plan.Planned - removed;
        if (left > 0)
        {
            await rejections.KeepAsync(r => r.ReasonId != Reasons.NotRemoved).ConfigureAwait(false);
            rejections.AddNote((int)Math.Min(int.MaxValue, left), Reasons.NotRemoved);
            await rejections.FlushAsync(ct).ConfigureAwait(false);
            plan = await plan.OnlyAsync(spool, hash => there is not null && !there.Contains(hash), ct).ConfigureAwait(false);
        }
        (run, _) = await DefineAsync(run, plan with { Done = true, Removed = removed }, ct).ConfigureAwait(false);
        return run;
    }

    private async Task<(RunRecord, Removal)> DefineAsync(RunRecord run, Removal plan, CancellationToken ct)
    {
        run = run with { Definition = (ExportDefinition.FromJson(run.Definition) with { Removal = plan }).ToJson() };
        await parts.Store.Runs.DefineAsync(run.Id, run.Definition, ct).ConfigureAwait(false);
        return (run, plan);
    }
}
