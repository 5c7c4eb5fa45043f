using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>What the cmdlets that work on runs by their numbers have in common: each is done by itself, and the next one too when one fails.</summary>
public abstract class RunCmdlet : CcCmdlet
{
    /// <summary>Numbers of runs. Runs bind through the pipeline.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    public long[] Id { get; set; } = [];

    /// <summary>Where it is written what happens; null: nowhere.</summary>
    private protected virtual RunLog? Log => null;

    /// <summary>What is to be done, for a question; null: it is not asked.</summary>
    private protected abstract string? Action { get; }

    private protected abstract Task<Run> WorkAsync(CcEngine engine, long id, RunWatcher watcher, CancellationToken ct);

    /// <summary>What a run that was worked on says beside itself.</summary>
    private protected virtual void Comment(Run run) => RunOutcome.Comment(this, run);

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (long id in Id)
        {
            if (Action is { } action && !ShouldProcess($"run {id}", action)) continue;
            var watcher = new RunWatcher(Post, this, $"{MyInvocation.MyCommand?.Name}: run {id}", Log);
            try
            {
                Run run = Await((engine, ct) => WorkAsync(engine, id, watcher, ct));
                watcher.Close();
                WriteObject(run);
                Comment(run);
            }
            catch (CcException e)
            {
                watcher.Close();
                WriteError(Errors.From(e, id));
            }
        }
    }
}

/// <summary>What a run says beside itself: an error when it failed or stands still, a warning when it needs a look.</summary>
internal static class RunOutcome
{
    /// <param name="target">What an error is about; null: the run.</param>
    public static void Comment(Cmdlet cmdlet, Run run, object? target = null)
    {
        switch (run.Status)
        {
            case RunStatus.Failed:
                cmdlet.WriteError(Errors.RunFailed(run.Id, run.Message, target ?? run));
                break;
            case RunStatus.Interrupted:
                cmdlet.WriteError(Errors.RunInterrupted(run.Id, run.Message, target ?? run));
                break;
            case RunStatus.Canceled:
                cmdlet.WriteWarning($"Run {run.Id} was ended before its end: {run.Message}");
                break;
            case RunStatus.WaitingForQuota:
                cmdlet.WriteWarning($"Run {run.Id} waits for the next day's calls: {run.Message}");
                break;
            case RunStatus.CompletedWithErrors:
                cmdlet.WriteWarning($"Run {run.Id}: {run.Message}");
                break;
        }
    }
}
