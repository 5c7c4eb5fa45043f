using System.Management.Automation;
using CcExport.Engine.Exports;
using CcExport.Engine.Telemetry;

namespace CcExport.Pipeline;

/// <summary>Passes what a run reports on to the streams, and to the log if there is one. Of the progress only the newest is kept until it can be written.</summary>
internal sealed class RunWatcher(Action<Action> post, Cmdlet cmdlet, string activity, RunLog? log = null) : IRunObserver
{
    private const int ActivityId = 43_999;
    private const long Interval = 1_000;
    private Box? _newest;
    private long _writtenAt = long.MinValue / 2;
    private bool _shown;

    public void Progress(RunProgress progress)
    {
        if (Interlocked.Exchange(ref _newest, new Box(progress)) is null) post(Write);
    }

    public void Warning(string message)
    {
        log?.Message(RunEventLevel.Warning, message);
        post(() => cmdlet.WriteWarning(message));
    }

    public void Verbose(string message)
    {
        log?.Message(RunEventLevel.Debug, message);
        post(() => cmdlet.WriteVerbose(message));
    }

    public void Event(RunEvent what) => log?.Write(what);

    /// <summary>Takes the bar away. Pipeline thread only.</summary>
    public void Close()
    {
        if (!_shown) return;
        _shown = false;
        cmdlet.WriteProgress(new ProgressRecord(ActivityId, activity, "Done") { RecordType = ProgressRecordType.Completed });
    }

    private void Write()
    {
        if (Interlocked.Exchange(ref _newest, null) is not { } box) return;
        long now = Environment.TickCount64;
        if (now - _writtenAt < Interval) return;
        _writtenAt = now;
        _shown = true;
        RunProgress progress = box.Value;
        cmdlet.WriteProgress(new ProgressRecord(ActivityId, activity, progress.Text)
        {
            CurrentOperation = progress.Stage,
            PercentComplete = progress.Fraction is { } fraction ? (int)Math.Clamp(fraction * 100, 0, 100) : -1,
            SecondsRemaining = progress.TimeLeft is { } left && left >= TimeSpan.Zero ? (int)Math.Min(left.TotalSeconds, int.MaxValue) : -1,
        });
    }

    private sealed record Box(RunProgress Value);
}
