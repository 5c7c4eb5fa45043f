using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Telemetry;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Goes on with a run that is not at its end, and returns it when it is.</summary>
/// <remarks>
/// <para>
/// A run whose process was killed or stopped, or that waits for the next day's calls, goes on from its journal: the source is not read again, and no
/// batch is sent that the service has already. Invoking the export again does the same.
/// </para>
/// <para>
/// A run that ended with contacts unaccounted for, or refused without a name, keeps them, encrypted, until the export's next run has gone through. -SendInDoubt sends the batches
/// whose answer was lost and whose job was not found; -Verify reads the list back and names each contact that is not on it.
/// </para>
/// </remarks>
/// <example><code>Get-CcRun | Where-Object Status -eq Interrupted | Resume-CcRun</code><para>Goes on with every run that was interrupted.</para></example>
/// <example><code>Resume-CcRun 12 -Verify</code><para>Reads the list of run 12 back; Get-CcRejection 12 then names who is not on it.</para></example>
/// <example><code>Resume-CcRun 12 -SendInDoubt</code><para>Sends the batches of run 12 that stayed in doubt. Contacts that the service has already stay as they are.</para></example>
[Cmdlet(VerbsLifecycle.Resume, "CcRun", SupportsShouldProcess = true)]
[OutputType(typeof(Run))]
public sealed class ResumeCcRunCommand : RunCmdlet
{
    private RunLog? _log;

    /// <summary>Sends the batches that stayed in doubt. The service may have them: then it gets the same contacts a second time, which changes nothing.</summary>
    [Parameter]
    public SwitchParameter SendInDoubt { get; set; }

    /// <summary>Reads the list back at the end and names every contact that is not on it. Takes some five more calls.</summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <summary>Returns at once when the day's calls are used up, also at a prompt.</summary>
    [Parameter]
    public SwitchParameter NoQuotaWait { get; set; }

    /// <summary>Waits when another process runs it, instead of an error.</summary>
    [Parameter]
    public SwitchParameter WaitForRunner { get; set; }

    /// <summary>
    /// A file to which is written what happens, an object of JSON a line; what is there already stays, and several processes may write to one. Without it the file that the
    /// environment variable CCEXPORT_LOG names. It holds no address. One that cannot be written is an error before anything is run.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? LogPath { get; set; }

    private protected override RunLog? Log => _log;

    /// <inheritdoc/>
    protected override void OnBegin()
    {
        base.OnBegin();
        _log = Pipeline.Log.Open(this, LogPath, Post);
    }

    /// <inheritdoc/>
    protected override void OnDispose()
    {
        base.OnDispose();
        _log?.Dispose();
    }

    private protected override string Action => "Go on with it";

    private protected override Task<Run> WorkAsync(CcEngine engine, long id, RunWatcher watcher, CancellationToken ct) => engine.ResumeAsync(new ResumeRequest
    {
        RunId = id,
        SendInDoubt = SendInDoubt,
        Verify = Verify,
        Waits = Attended.Waits(Host, NoQuotaWait, WaitForRunner),
    }, watcher, ct);
}
