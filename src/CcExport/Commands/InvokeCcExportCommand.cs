using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Telemetry;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Exports profiles to a Constant Contact list, and returns the run with numbers that add up.</summary>
/// <remarks>
/// <para>
/// Reads, maps and checks all profiles first, then sends them in as few import requests as the service allows, follows its jobs to their end and
/// closes the balance: Read = Invalid + Duplicate + Suppressed + Unchanged + Sent, and Sent = Accepted + OptedOut + Refused + Unaccounted.
/// </para>
/// <para>
/// The profiles come from a stored export (-Name), from a file or folder (-Path), or through the pipeline; all piped objects are taken before the first
/// import leaves. With -WhatIf everything is read and mapped, it is said what would be sent, and nothing is.
/// </para>
/// <para>
/// People who left the list after an earlier run put them there, and those who have unsubscribed, are held out and listed with the rejections
/// (Suppressed); -IncludeLeavers sends the former all the same.
/// </para>
/// <para>
/// A run that was stopped or killed is Interrupted. Invoking the export again, or Resume-CcRun, finishes that run and returns it; no new one is
/// started (-Fresh gives it up and starts anew). A run that could not go to its end is returned with the status Failed, followed by the error
/// RunFailed; one that stopped half-way and can go on, by the error RunInterrupted.
/// </para>
/// <para>
/// A run whose numbers are not like those before it is stopped before anything is sent: more than 10 % of the profiles are invalid; a segment is empty or
/// suddenly smaller; the list would grow or shrink by more than a share, -MaxGrowth and -MaxShrink, or what the last runs have shown. -Force lets it go, and the
/// run's message keeps what was overridden.
/// </para>
/// <para>
/// With -Plan a plan of Get-CcPlan is run exactly as it was made: the source is not read again. It is refused when the export or the list has changed since, or
/// after a day.
/// </para>
/// <para>
/// -Due runs the exports whose schedule says so, one after the other: each due time once, however many processes and machines ask, and times that were missed together by
/// one run. What could not be reached stays due and is tried the next time. One that fails does not keep the others from running; it is an error about that
/// export, and 'pwsh -Command "Invoke-CcExport -Due"' ends with exit code 1. -All does the same with all exports whose schedule is on.
/// </para>
/// <para>
/// In a store that a team shares, a contributor's login cannot run exports itself: the command asks for the run and returns a ticket instead, and the next
/// Invoke-CcExport -Due of a runner makes it.
/// </para>
/// </remarks>
/// <example><code>Invoke-CcExport Customers</code><para>Runs a stored export.</para></example>
/// <example><code>Invoke-CcExport -Path ./customers.csv -Connection Newsletter -ListId $list.ListId -Map @{ email = 'EMail'; first_name = 'FirstName' }</code><para>Exports a file without storing an export. This is the fastest way.</para></example>
/// <example><code>Import-Csv ./customers.csv | Where-Object Country -eq 'DE' | Invoke-CcExport -Connection Newsletter -ListId $list.ListId -Map @{ email = 'EMail' }</code><para>Exports objects, of whatever shape and origin.</para></example>
/// <example><code>Import-Csv ./members.csv | Invoke-CcExport -Connection Newsletter -ListId $list.ListId -Map @{ email = { $_.EMail -replace '^mailto:' }; first_name = 'FirstName' }</code><para>Makes a value with a script block, as Select-Object does.</para></example>
/// <example><code>Invoke-CcExport -Due</code><para>Runs what is due now. Register-CcSchedule has the machine do so every few minutes.</para></example>
/// <example><code>Invoke-CcExport Customers -Verify -NoQuotaWait -WaitForRunner</code><para>For a schedule: waits for a run that goes on elsewhere, never for the next day, and reads the list back.</para></example>
/// <example><code>Import-Csv ./members.csv | Invoke-CcExport -Connection Newsletter -ListId $list.ListId -Map @{ email = 'EMail' } -Mode Changed</code><para>Sends only who is new or has changed since the last export of objects to this list.</para></example>
/// <example><code>Invoke-CcExport Customers -WhatIf</code><para>Says what would be sent.</para></example>
/// <example><code>Get-CcPlan Customers | Invoke-CcExport</code><para>Does what the plan says, if nothing has changed since; with the plan kept in a variable, after a look at it.</para></example>
/// <example><code>Invoke-CcExport Customers | Get-CcRejection | Export-Csv ./rejected.csv</code><para>Keeps a reason for each profile that was not accepted.</para></example>
[Cmdlet(VerbsLifecycle.Invoke, "CcExport", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(Run), typeof(RunTicket))]
public sealed class InvokeCcExportCommand : SendingExportCmdlet
{
    private const string PlanSet = "Plan";
    private const string DueSet = "Due";
    private const string AllSet = "All";

    // What a run that was not needed comes to.
    private static readonly object Nothing = new();

    private bool _whatIf;
    private DueClaim? _claim;
    // What was asked for besides the export's name.
    private string[] _more = [];

    /// <summary>A plan of Get-CcPlan, or its number. Plans bind through the pipeline.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PlanSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Id")]
    [PlanId]
    [ArgumentCompleter(typeof(PlanCompleter))]
    public long[] Plan { get; set; } = [];

    /// <summary>Runs the exports that their schedules say are due. What another process is at already is left to it.</summary>
    [Parameter(Mandatory = true, ParameterSetName = DueSet)]
    public SwitchParameter Due { get; set; }

    /// <summary>Runs all exports whose schedule is on, due or not.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AllSet)]
    public SwitchParameter All { get; set; }

    /// <summary>Lets a run go that the guard would stop. What it found is kept in the run's message.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Gives up an earlier run that is not at its end, with its numbers as they are, instead of finishing it.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    public SwitchParameter Fresh { get; set; }

    /// <summary>Reads the list back at the end and names every contact that is not on it. Takes some five more calls.</summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <summary>Returns at once when the day's calls are used up. Without it, that is so only where nobody sits before the session; at a prompt the run waits, with a countdown.</summary>
    [Parameter]
    public SwitchParameter NoQuotaWait { get; set; }

    /// <summary>Waits when another process runs the same export, instead of an error.</summary>
    [Parameter]
    public SwitchParameter WaitForRunner { get; set; }

    /// <summary>
    /// Keeps no former values of the contacts, so the run cannot be undone. Without it they are read before anything is sent (some calls more, in most cases a contact export)
    /// and kept for 30 days, encrypted, in the home folder.
    /// </summary>
    [Parameter]
    public SwitchParameter NoUndo { get; set; }

    /// <summary>The days for which this run and its rejections are kept, counted from its end; 90 by default. A stored export has its own number.</summary>
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    [ValidateRange(1, 3_650)]
    public int? KeepDays { get; set; }

    /// <inheritdoc/>
    protected override void OnBegin()
    {
        base.OnBegin();
        _more = [.. MyInvocation.BoundParameters.Keys.Where(p => p != "Name" && !CommonParameters.Contains(p) && !OptionalCommonParameters.Contains(p))];
        _whatIf = MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given)
            ? LanguagePrimitives.IsTrue(given)
            : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
    }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (ParameterSetName is DueSet or AllSet)
        {
            RunScheduled();
            return;
        }
        if (ParameterSetName != PlanSet)
        {
            base.OnRecord();
            return;
        }
        HashSet<long>? putBack = null;
        foreach (long plan in Plan)
        {
            var request = new RunRequest { PlanId = plan };
            if (!ShouldProcess(Describe(request), "Export to Constant Contact")) continue;
            try
            {
                // A plan knows whom it puts back. One that is not there any more is an error of the run.
                putBack ??= [.. Await((engine, ct) => engine.GetPlansAsync(ct)).Where(p => p.IncludeLeavers).Select(p => p.Id)];
                if (ApproveLeavers(request, putBack.Contains(plan))) Run(request);
            }
            catch (CcException e) { WriteError(Errors.From(e, plan)); }   // the next plan may well go
        }
    }

    private void RunScheduled()
    {
        if (ParameterSetName == DueSet ? !Due : !All) return;   // -Due:$false
        List<(string Export, DateTimeOffset DueAt)> due = [];
        foreach (ScheduledExport export in Await((engine, ct) => engine.GetScheduledAsync(ct)))
        {
            if (All && !export.IsOn) continue;
            string name = export.Name;
            try
            {
                DateTimeOffset? at = Due ? DueTime(export) : null;
                if (Due && at is null) continue;
                RunRequest request = Stored(name);
                if (!Approve(request)) continue;
                if (at is { } time && !_whatIf) due.Add((name, time));
                else Run(request);
            }
            catch (Exception e) when (Errors.IsOurs(e)) { WriteError(Errors.About(e, name)); }   // the next export may well go
        }
        // Handed out one by one: what another process takes meanwhile is not waited for.
        while (due.Count > 0 && (_claim = Await((engine, ct) => engine.ClaimDueAsync(due, ct))) is { } claim)
        {
            due.RemoveAll(d => d.Export == claim.Export);
            try
            {
                Run(Stored(claim.Export));
            }
            catch (Exception e) when (Errors.IsOurs(e)) { WriteError(Errors.About(e, claim.Export)); }   // the next export may well go
            finally
            {
                // Not under the token: after Ctrl+C, above all, others must not wait for what nobody is at.
                Task.Run(async () => await claim.DisposeAsync().ConfigureAwait(false)).GetAwaiter().GetResult();
            }
        }
        foreach ((string name, _) in due)
        {
            Log?.Write(RunEvent.Busy(name));
            WriteVerbose($"'{name}' is due, and another process is at it, or has done it just now.");
        }
    }

    private DateTimeOffset? DueTime(ScheduledExport export)
    {
        if (!export.IsKnown) return Await((engine, ct) => engine.FindDueAsync(export.Name, WatcherOf(export.Name), ct));
        if (export.DueAt is null) Log?.Write(RunEvent.NotDue(export.Name));
        return export.DueAt;
    }

    private RunWatcher WatcherOf(string export) => new(Post, this, $"{MyInvocation.MyCommand?.Name}: {export}", Log);

    private protected override RunRequest AdHoc() => base.AdHoc() with { KeepDays = KeepDays };

    // With -WhatIf the answer is known only after reading: Report gives it.
    private protected override bool Approve(RunRequest request) => _whatIf || (ShouldProcess(Describe(request), "Export to Constant Contact") && ApproveLeavers(request, IncludeLeavers));

    private protected override async Task<object> WorkAsync(CcEngine engine, RunRequest request, RunWatcher watcher, CancellationToken ct)
        => _whatIf && request.PlanId is null
            ? await engine.PreviewAsync(With(request), first: null, maxRejections: 0, watcher, ct).ConfigureAwait(false)
            : await InvokeAsync(engine, With(request) with
            {
                Force = Force,
                Fresh = Fresh,
                Verify = Verify,
                NoUndo = NoUndo,
                Waits = Attended.Waits(Host, NoQuotaWait, WaitForRunner),
            }, watcher, ct).ConfigureAwait(false);

    private async Task<object> InvokeAsync(CcEngine engine, RunRequest request, RunWatcher watcher, CancellationToken ct)
        => ParameterSetName switch
        {
            // Who may not read the tokens asks for the run.
            NameSet when !engine.MayRun && request.ExportName is { } name => _more.Length == 0 ? await engine.RequestRunAsync(name, ct).ConfigureAwait(false)
                : throw new CcException("RunnerOnly", CcErrorKind.Permission, $"This login asks a runner for the run, and {string.Join(", ", _more.Select(p => $"-{p}"))} does not reach it.",
                    "Give the name alone; what the run is to be like stands in the export (Set-CcExport)."),
            DueSet => await engine.InvokeDueAsync(_claim!, request, watcher, ct).ConfigureAwait(false) ?? Nothing,
            AllSet => await engine.InvokeScheduledAsync(request, watcher, ct).ConfigureAwait(false),
            _ => await engine.InvokeAsync(request, watcher, ct).ConfigureAwait(false),
        };

    private protected override void Report(RunRequest request, object result)
    {
        if (result is Preview preview)
        {
            ShouldProcess(Sentence(request, preview), "", "");
            return;
        }
        if (result is RunTicket ticket)
        {
            WriteObject(ticket);
            WriteInformation($"A runner makes this run when it next looks for what is due; Get-CcRun -Export '{ticket.Export}' shows it then.", ["CcExport"]);
            return;
        }
        if (result is not Run run) return;
        WriteObject(run);
        RunOutcome.Comment(this, run, ParameterSetName is DueSet or AllSet ? request.ExportName : null);
    }

    private static string Sentence(RunRequest request, Preview preview)
        => $"Sending {preview.WouldSend:N0} of {preview.Read:N0} profiles of {Describe(request)}"
            + (request.ExportName is null ? "" : $" to list '{preview.ListId}'")
            + $" in {preview.Batches:N0} import request{(preview.Batches == 1 ? "" : "s")} ({preview.Bytes:N0} bytes)."
            + $" Not sent: {preview.Invalid:N0} invalid, {preview.Duplicate:N0} duplicate, {preview.Suppressed:N0} suppressed, {preview.Unchanged:N0} unchanged.";
}
