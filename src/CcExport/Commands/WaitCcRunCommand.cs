using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Waits until a run that another process runs is over, and returns it.</summary>
/// <remarks>
/// A run that nobody runs any more (its process ended, or it waits for the next day's calls) is returned as what it is, with the error or warning that says how it
/// goes on. Stopping to wait leaves the run alone.
/// </remarks>
/// <example><code>Get-CcRun -Last 1 | Wait-CcRun</code><para>Waits for the newest run.</para></example>
/// <example><code>Wait-CcRun 12 -Timeout 600</code><para>Waits for ten minutes at most.</para></example>
[Cmdlet(VerbsLifecycle.Wait, "CcRun")]
[OutputType(typeof(Run))]
public sealed class WaitCcRunCommand : RunCmdlet
{
    /// <summary>The most seconds to wait for each run. By default as long as it takes.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? Timeout { get; set; }

    private protected override string? Action => null;

    private protected override Task<Run> WorkAsync(CcEngine engine, long id, RunWatcher watcher, CancellationToken ct)
        => engine.WaitAsync(id, Timeout is { } seconds ? TimeSpan.FromSeconds(seconds) : null, watcher, ct);
}
