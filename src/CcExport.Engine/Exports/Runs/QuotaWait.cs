using CcExport.Engine.Telemetry;

namespace CcExport.Engine.Exports;

/// <summary>Waits for 00:00 UTC, when an API key's calls are new, and shows how long that is.</summary>
internal static class QuotaWait
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>False when the run was asked to stop for good meanwhile.</summary>
    public static async Task<bool> WaitAsync(EngineParts parts, RunReporter reporter, TimeSpan serverSkew, StopSignal stop, CancellationToken ct)
    {
        // By the service's clock, as far as it is known: ours may be ahead, and the day would not be over.
        DateTimeOffset now = parts.Time.GetUtcNow() + serverSkew;
        // A little later than the hour: clocks differ, and all who wait would come at once.
        DateTimeOffset until = new DateTimeOffset(now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero) + TimeSpan.FromSeconds(5 + (20 * parts.Wire.Random())) - serverSkew;
        reporter.Warning(FormattableString.Invariant($"The API key's calls of this UTC day are used up. The run goes on by itself at {until:yyyy-MM-dd HH:mm} UTC; Ctrl+C leaves it for later."));
        RunScope.Current?.Tell(new RunEvent(RunEvents.WaitingForQuota, RunEventLevel.Warning) { Fields = [RunEvents.With("until", until)] });
        while (until - parts.Time.GetUtcNow() is { Ticks: > 0 } left)
        {
            if (stop.IsRequested) return false;
            reporter.Waiting("Waiting for quota", FormattableString.Invariant($"The day's calls are used up: goes on in {(int)left.TotalHours:00}:{left.Minutes:00}:{left.Seconds:00}."));
            await Task.Delay(left < Second ? left : Second, parts.Time, ct).ConfigureAwait(false);
        }
        return true;
    }
}
