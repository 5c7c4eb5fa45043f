using CcExport.Engine.Exports;

namespace CcExport.Engine;

/// <content>Schedules, and definitions as text.</content>
public sealed partial class CcEngine
{
    /// <summary>The folder of the store: <c>$env:CCEXPORT_HOME</c>, else in the user's local application data.</summary>
    public static string HomeFolder => Store.CcHome.Resolve().Root;

    /// <summary>The exports whose schedule is on or that somebody asked for a run of, due or not; not those without a connection. Never asks the network.</summary>
    public async Task<IReadOnlyList<ScheduledExport>> GetScheduledAsync(CancellationToken ct)
    {
        // A runner with another folder is told so before it takes anything on, and when nothing is due.
        if (MayRun) await _parts.AssureFolder(ct).ConfigureAwait(false);
        return await ScheduleRunner.ListAsync(_parts, ct).ConfigureAwait(false);
    }

    /// <summary>When an export became due; null: it is not. With the schedule AfterRefresh the source is asked (network). <c>ExportNotFound</c>, <c>RefreshUnknown</c>.</summary>
    public async Task<DateTimeOffset?> FindDueAsync(string export, IRunObserver observer, CancellationToken ct)
    {
        return await AnnounceAsync(observer, export, async () =>
        {
            await _secrets.UnlockAsync(ct).ConfigureAwait(false);
            return await Runner(observer).FindDueAsync(export, ct).ConfigureAwait(false);
        }, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Takes the first of these exports whose schedule no process is at, on whatever machine, and whose due time none has dealt with meanwhile; null: there is none.
    /// </summary>
    public Task<DueClaim?> ClaimDueAsync(IReadOnlyList<(string Export, DateTimeOffset DueAt)> due, CancellationToken ct) => ScheduleRunner.ClaimAsync(_parts, due, ct);

    /// <summary>
    /// Runs the claimed export by its schedule, as <see cref="InvokeAsync"/>, if it is (still) due. Each due time is dealt with once, however many processes ask, and missed
    /// ones together by one run; what could not be reached stays due. Null when it is not due, and when the day's calls are used up.
    /// </summary>
    public async Task<Run?> InvokeDueAsync(DueClaim claim, RunRequest request, IRunObserver observer, CancellationToken ct)
    {
        return await AnnounceAsync(observer, claim.Export, async () =>
        {
            await _secrets.UnlockAsync(ct).ConfigureAwait(false);
            return await Runner(observer).InvokeDueAsync(request, claim, ct).ConfigureAwait(false);
        }, ct).ConfigureAwait(false);
    }

    /// <summary>Runs a stored export by its schedule, due or not; what is due is dealt with by it. <c>RunInProgress</c>.</summary>
    public async Task<Run> InvokeScheduledAsync(RunRequest request, IRunObserver observer, CancellationToken ct)
    {
        return await AnnounceAsync(observer, request.ExportName!, async () =>
        {
            await _secrets.UnlockAsync(ct).ConfigureAwait(false);
            return await Runner(observer).InvokeAsync(request, ct).ConfigureAwait(false);
        }, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Asks for a run of a stored export by a runner: a machine that calls <see cref="ClaimDueAsync"/>, as Invoke-CcExport -Due does. Asked again before it began, it is one
    /// run. <c>ExportNotFound</c>.
    /// </summary>
    public async Task<RunTicket> RequestRunAsync(string export, CancellationToken ct)
    {
        (string name, _) = await new ExportBook(_parts).FindAsync(export, ct).ConfigureAwait(false);
        var ticket = new RunTicket { Export = name, RequestedBy = Environment.UserName, RequestedAt = _parts.Time.GetUtcNow() };
        return await _parts.Store.Schedules.RequestAsync(name, ticket.RequestedBy, ticket.RequestedAt, ct).ConfigureAwait(false) ? ticket : throw ExportBook.NotFound(name);
    }

    /// <summary>This login runs exports itself; else it can only ask for a run.</summary>
    public bool MayRun => _parts.Store.Access.ReadsSecrets;

    private ScheduleRunner Runner(IRunObserver observer) => new(_parts, observer, (r, t) => InvokeAsync(r, observer, t));

    /// <summary>The same export under another name, with its schedule off. <c>ExportNotFound</c>, <c>NameTaken</c>.</summary>
    public Task<Export> CopyExportAsync(string name, string newName, CancellationToken ct) => new ExportBook(_parts).CopyAsync(name, newName, ct);

    /// <summary>Switches the schedule of an export on or off. <c>ExportNotFound</c>.</summary>
    public async Task<Export> EnableExportAsync(string name, bool on, CancellationToken ct)
    {
        var book = new ExportBook(_parts);
        await book.FindAsync(name, ct).ConfigureAwait(false);
        return await book.SetAsync(new ExportChange { Name = name, Enabled = on }, ct).ConfigureAwait(false);
    }

    /// <summary>Connections, sources and exports as one text without secrets: JSON with comments, in an order that stays.</summary>
    public Task<string> WriteConfigurationAsync(CancellationToken ct) => new ConfigurationBook(_parts).WriteAsync(ct);

    /// <summary>What of this home differs from such a text, in the order in which it can be applied. <c>ConfigurationInvalid</c>, and what is wrong with a schedule or a list's id.</summary>
    /// <param name="folder">From where relative paths in it go.</param>
    /// <param name="prune">Exports that are not in it are to be removed.</param>
    public Task<IReadOnlyList<ConfigurationChange>> CompareConfigurationAsync(string text, string folder, bool prune, CancellationToken ct)
        => new ConfigurationBook(_parts).CompareAsync(text, folder, prune, ct);

    /// <summary>Makes one of these changes. <c>ConnectionNotFound</c>, <c>SourceNeedsSecret</c>, <c>SourceNotFound</c>, and what is wrong with an export.</summary>
    public Task ApplyConfigurationAsync(ConfigurationChange change, CancellationToken ct) => new ConfigurationBook(_parts).ApplyAsync(change, ct);
}
