using System.Globalization;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Gives a plan its word to go: checks that all is still as it was when the plan was made, and then runs it from its spool. The source is not read again.</summary>
internal sealed class PlanRunner
{
    private readonly EngineParts _parts;
    private readonly RunReporter _reporter;
    private readonly RunCloser _closer;
    private readonly PlanBook _book;

    public PlanRunner(EngineParts parts, IRunObserver observer)
    {
        _parts = parts;
        _reporter = new RunReporter(observer, parts.Time);
        _closer = new RunCloser(parts, _reporter);
        _book = new PlanBook(parts, _closer);
    }

    /// <summary>The plan, if it can still go: <c>PlanNotFound</c>, <c>PlanUsed</c>, <c>PlanDiscarded</c>, <c>PlanTooOld</c>.</summary>
    public async Task<RunRecord> FindAsync(long id, CancellationToken ct)
    {
        RunRecord? run = await _parts.Store.Runs.FindAsync(id, ct).ConfigureAwait(false);
        if (run is { PlannedAt: null, Plan: not null } && Sight.Of(run)?.Plan is not null)
        {
            throw new CcException("PlanUsed", CcErrorKind.Conflict, FormattableString.Invariant($"Plan {id} has been run: it is {run.Status}."),
                FormattableString.Invariant($"Get-CcRun {id} shows it{(run.CompletedAt is null ? $"; Resume-CcRun {id} goes on with it" : "")}. Get-CcPlan makes a new plan."))
            { Subject = run.Export };
        }
        if (run?.PlannedAt is not { } plannedAt)
        {
            throw new CcException("PlanNotFound", CcErrorKind.NotFound, FormattableString.Invariant($"There is no plan {id}."), "Get-CcPlan makes one; Get-CcRun shows those that wait as Queued.");
        }
        if (_parts.Time.GetUtcNow() - plannedAt >= PlanBook.Life)
        {
            throw new CcException("PlanTooOld", CcErrorKind.Conflict, FormattableString.Invariant($"Plan {id} was made at {plannedAt:u} and is older than a day: source and list may be others by now."), "Make a new one with Get-CcPlan.")
            { Subject = run.Export };
        }
        if (!PlanBook.Waits(run))
        {
            throw new CcException("PlanDiscarded", CcErrorKind.Conflict, FormattableString.Invariant($"Plan {id} cannot be run. {run.Message}").TrimEnd(), "Make a new one with Get-CcPlan.")
            { Subject = run.Export };
        }
        return run;
    }

    public async Task<Run> InvokeAsync(long id, RunRequest request, CancellationToken ct)
    {
        RunRecord plan = await FindAsync(id, ct).ConfigureAwait(false);
        RunLease lease = await RunLease.TakeAsync(_parts.Store.Leases, _parts.Time, _parts.RunLease, RunLease.NameOf(plan),
            plan.Export is null ? $"An export to list {plan.ListId}" : $"'{plan.Export}'", RunConductor.Waiting(_reporter, request.Waits), ct).ConfigureAwait(false);
        await using (lease.ConfigureAwait(false))
        {
            plan = await FindAsync(id, ct).ConfigureAwait(false);
            await _book.CheckNothingOpenAsync(plan.Export, plan.ConnectionId, plan.ListId, ct).ConfigureAwait(false);
            Sight sight = Sight.Of(plan) ?? throw new CcException("StoreCorrupt", CcErrorKind.Storage, FormattableString.Invariant($"What plan {id} saw is gone."), "Make a new one with Get-CcPlan.");
            ExportDefinition definition = ExportDefinition.FromJson(plan.Definition);
            await CheckDefinitionAsync(plan, sight.Plan!, definition, ct).ConfigureAwait(false);
            // What a person can decide comes before any call.
            sight = new RunGuard(_parts, _reporter).Settle(sight, request.Force);
            ConnectionRecord connection = await _parts.Store.Connections.FindAsync(plan.ConnectionId, ct).ConfigureAwait(false)
                ?? throw Moved(plan, "PlanDefinitionMoved", $"its connection '{plan.Connection}' is gone");
            if (plan.AccountId is { } account && connection.AccountId is { } now && now != account)
                throw Moved(plan, "PlanDefinitionMoved", $"its connection '{connection.Name}' is signed in to another account");
            ConstantContactClient client = new(_parts.Wire, connection, RunConductor.Spender(plan.Export));
            await using (client.ConfigureAwait(false))
            {
                _reporter.Stage("Preflight", FormattableString.Invariant($"Checking that all is as it was when plan {id} was made."));
                var preflight = new Preflight(_parts, client, connection);
                ContactList list = await preflight.CheckAccountAsync(definition, ContactMap.Create(definition.Map), ct).ConfigureAwait(false);
                await CheckListAsync(plan, sight, definition, list, client, connection, ct).ConfigureAwait(false);
                await preflight.CheckContactLimitAsync(plan.Numbers.Sent, list, ct).ConfigureAwait(false);
                await lease.AssureAsync(ct).ConfigureAwait(false);
                // All of it was looked at just now: nobody has left whom the spool still holds.
                byte[] key = _parts.Secrets.Unprotect(RunCloser.SpoolPurpose, plan.SpoolKey!);
                definition = definition with { Force = request.Force, Verify = definition.Verify || request.Verify };
                await _parts.Store.Runs.GoAsync(id, definition.ToJson(), sight.ToJson(), _parts.Time.GetUtcNow(), ct).ConfigureAwait(false);
                RunRecord run = await _parts.Store.Runs.FindAsync(id, ct).ConfigureAwait(false) ?? plan;
                RunSignals.Begun(run);
                // What making the plan and checking it has called belongs to it.
                run = run with { Numbers = run.Numbers with { Requests = run.Numbers.Requests + client.Calls } };
                return await new RunFinisher(_parts, _reporter, _closer, client, connection, lease, request.Waits).FinishAsync(run, key, ct).ConfigureAwait(false);
            }
        }
    }

    private async Task CheckDefinitionAsync(RunRecord plan, PlanSight sight, ExportDefinition definition, CancellationToken ct)
    {
        if (plan.Export is { } name && await _book.HashOfStoredAsync(name, ct).ConfigureAwait(false) != sight.Definition)
            throw Moved(plan, "PlanDefinitionMoved", $"the export '{name}' was changed or removed");
        if (await _book.HashOfSuppressedAsync(definition, ct).ConfigureAwait(false) != sight.Suppressed)
            throw Moved(plan, "PlanSuppressionMoved", "who is never sent was changed");
    }

    /// <summary>
    /// The list has the members that it had. That their number is another comes with the list, for no call; else all are read, for one leaver and one who joins in his
    /// place hide each other, and what has changed since proves nothing (<see cref="ListLook"/>).
    /// </summary>
    private async Task CheckListAsync(RunRecord plan, Sight sight, ExportDefinition definition, ContactList list, ConstantContactClient client, ConnectionRecord connection, CancellationToken ct)
    {
        // Where the service does not count, the mark tells as much.
        if (list.MembershipCount is { } members && members != sight.Members)
            throw Moved(plan, "PlanListMoved", FormattableString.Invariant($"the list had {sight.Members:N0} members and has {members:N0}"));
        using ListMemory memory = await ListMemory.OpenAsync(_parts, plan.Export, connection, plan.ListId, definition.Full, ct).ConfigureAwait(false);
        // Another export's as well: who left after that one put her there is in this plan as one who was never there.
        if (memory.LastRun != sight.Plan!.MemoryRun) throw Moved(plan, "PlanListMoved", "another run has been to the list");
        using ListState state = await new ListLook(client, new ListReader(client, _parts.Time, _parts.Upload), _reporter, _parts.LookContacts).LookAsync(list, memory, whole: true, members: null, ct).ConfigureAwait(false);
        if (state.Mark?.ToString("x32", CultureInfo.InvariantCulture) != sight.Plan.Mark) throw Moved(plan, "PlanListMoved", "somebody left the list, and somebody else joined it");
    }

    private static CcException Moved(RunRecord plan, string id, string what) => new(id, CcErrorKind.Conflict,
        FormattableString.Invariant($"Plan {plan.Id} no longer holds: since it was made, {what}. Nothing was sent."), "Make a new one with Get-CcPlan.")
    { Subject = plan.Export };
}
