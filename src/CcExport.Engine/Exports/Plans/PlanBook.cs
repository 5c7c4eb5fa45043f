using System.Globalization;
using System.IO.Hashing;
using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// Plans as they are kept: a plan is a run that is sealed and waits for its word to go. It holds no lease; its contacts lie encrypted in its spool for a day at most.
/// </summary>
internal sealed class PlanBook(EngineParts parts, RunCloser closer)
{
    public static readonly TimeSpan Life = TimeSpan.FromDays(1);

    /// <summary>Sealed, and not gone yet.</summary>
    public static bool Waits(RunRecord run) => run is { PlannedAt: not null, AllSealedAt: not null, CompletedAt: null };

    /// <summary>What goes on with runs does not go on with a plan.</summary>
    public static void CheckIsNone(RunRecord run)
    {
        if (!Waits(run)) return;
        throw new CcException("RunIsPlan", CcErrorKind.Conflict, FormattableString.Invariant($"Run {run.Id} is a plan that has not been started."),
            FormattableString.Invariant($"Invoke-CcExport -Plan {run.Id} runs it; Stop-CcRun -Id {run.Id} discards it."))
        { Subject = run.Export };
    }

    /// <summary>A plan is made for a list as it is: not while a run that has not come to its end would still change it.</summary>
    public async Task CheckNothingOpenAsync(string? export, Guid connection, string listId, CancellationToken ct)
    {
        foreach (RunRecord open in await parts.Store.Runs.ListAsync(new RunQuery(export, OpenOnly: true), ct).ConfigureAwait(false))
        {
            if (open.AllSealedAt is null || (export is null && (open.Export is not null || open.ListId != listId || open.ConnectionId != connection))) continue;
            throw new CcException("RunNotEnded", CcErrorKind.Conflict,
                FormattableString.Invariant($"Run {open.Id}{(export is null ? " to the same list" : $" of '{export}'")} is not at its end ({open.Status}): what it still sends would make any plan wrong."),
                FormattableString.Invariant($"Resume-CcRun -Id {open.Id} finishes it, Stop-CcRun -Id {open.Id} ends it; then plan."))
            { Subject = export };
        }
    }

    /// <summary>What must still be so when the plan goes.</summary>
    /// <param name="stored">The export as <see cref="HashOfStoredAsync"/> told it before its definition was read.</param>
    /// <param name="suppressed">Who is never sent as <see cref="HashOfSuppressedAsync"/> told it before they were read.</param>
    /// <param name="kept">Why nobody is taken off the list; null: nothing prevents it.</param>
    public async Task<PlanSight> SightAsync(
        string? stored, string suppressed, ContactList list, ListState state, ListMemory memory, Preflight preflight, RunNumbers numbers, string? kept, CancellationToken ct)
    {
        List<string> warnings = [];
        try
        {
            await preflight.CheckContactLimitAsync(numbers.Sent, list, ct).ConfigureAwait(false);
        }
        catch (CcException e) when (e.ErrorId == "ContactLimitExceeded")
        {
            warnings.Add(RunCloser.Explain(e));
        }
        if (kept is not null) warnings.Add(kept);
        if (numbers.Read == 0) warnings.Add("The segments hold no profile.");
        else if (numbers.Sent == 0) warnings.Add("No profile would be sent.");
        return new PlanSight
        {
            At = parts.Time.GetUtcNow(),
            ListName = list.Name,
            Mark = state.Mark?.ToString("x32", CultureInfo.InvariantCulture),
            MemoryRun = memory.LastRun,
            Definition = stored,
            Suppressed = suppressed,
            Warnings = warnings,
        };
    }

    /// <summary>The stored export as a hash, with its connection and without its schedule; null when it is gone.</summary>
    public async Task<string?> HashOfStoredAsync(string export, CancellationToken ct)
        => await parts.Store.Exports.FindAsync(export, ct).ConfigureAwait(false) is { } stored
            ? Convert.ToHexString(XxHash128.Hash(Encoding.UTF8.GetBytes($"{stored.ConnectionId} {ExportDefinition.FromJson(stored.Json).Unscheduled().ToJson()}"))) : null;

    /// <summary>Who is never sent, as a hash: the list of the store and the addresses in the export's files, whatever their order. <c>SuppressionUnreadable</c>.</summary>
    public async Task<string> HashOfSuppressedAsync(ExportDefinition definition, CancellationToken ct)
    {
        var hash = new XxHash128();
        foreach (SuppressionRecord one in (await parts.Store.Suppressions.ListAsync(ct).ConfigureAwait(false)).OrderBy(s => Convert.ToHexString(s.Address), StringComparer.Ordinal)) hash.Append(one.Address);
        UInt128 sum = 0;
        using var inFiles = new DuplicateIndex();
        await SuppressionFiles.ReadAsync(definition.SuppressionPath ?? [], address => sum = inFiles.Add(address) ? unchecked(sum + address) : sum, ct).ConfigureAwait(false);
        hash.Append(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{sum} {inFiles.Count}")));
        return Convert.ToHexString(hash.GetCurrentHash());
    }

    /// <summary>The plan is made: it waits from now on, in the place of any older one.</summary>
    public async Task<Run> KeepAsync(RunRecord plan, CancellationToken ct)
    {
        await parts.Store.Runs.SetStatusAsync(plan.Id, RunStatus.Queued, null, ct, plan.Numbers.Requests).ConfigureAwait(false);
        foreach (RunRecord older in await parts.Store.Runs.ListAsync(new RunQuery(plan.Export, Plans: true, Unnamed: plan.Export is null ? (plan.ConnectionId, plan.ListId) : null), ct).ConfigureAwait(false))
        {
            if (older.Id < plan.Id) await closer.DiscardAsync(older, RunStatus.Canceled, older.Numbers.Requests, FormattableString.Invariant($"The plan was replaced by plan {plan.Id}. Nothing was sent.")).ConfigureAwait(false);
        }
        return RunViews.Of(plan with { Status = RunStatus.Queued });
    }

    /// <summary>Discards plans of more than a day, and those whose process died while it made them.</summary>
    public async Task DiscardOldAsync(CancellationToken ct)
    {
        foreach (RunRecord plan in await parts.Store.Runs.ListAsync(new RunQuery(Plans: true), ct).ConfigureAwait(false))
        {
            if (Waits(plan) && parts.Time.GetUtcNow() - plan.PlannedAt!.Value < Life) continue;
            (RunLease? lease, _) = await RunLease.TryTakeAsync(parts.Store.Leases, parts.Time, parts.RunLease, RunLease.NameOf(plan), ct).ConfigureAwait(false);
            // It is in the making, or goes just now.
            if (lease is null) continue;
            await using (lease.ConfigureAwait(false))
            {
                if (await parts.Store.Runs.FindAsync(plan.Id, ct).ConfigureAwait(false) is not { PlannedAt: not null, CompletedAt: null } still) continue;
                await closer.DiscardAsync(still, RunStatus.Canceled, still.Numbers.Requests,
                    Waits(still) ? "The plan was not run within a day. Nothing was sent." : "Its process ended before the plan was made. Nothing was sent.").ConfigureAwait(false);
            }
        }
    }
}
