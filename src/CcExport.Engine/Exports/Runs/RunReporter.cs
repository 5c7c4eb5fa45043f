using System.Globalization;
using CcExport.Engine.Telemetry;

namespace CcExport.Engine.Exports;

/// <summary>Turns what a run does into progress for a person: at most one record a second, never two at once.</summary>
internal sealed class RunReporter(IRunObserver observer, TimeProvider time)
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    private readonly object _lock = new();
    private long _began = time.GetTimestamp();
    private long? _last;
    private string _stage = "";

    public void Warning(string message)
    {
        lock (_lock) observer.Warning(message);
    }

    public void Verbose(string message)
    {
        lock (_lock) observer.Verbose(message);
    }

    public void Stage(string stage, string text)
    {
        lock (_lock)
        {
            (_stage, _began, _last) = (stage, time.GetTimestamp(), time.GetTimestamp());
            RunScope.Current?.Stage(SpanOf(stage));
            observer.Progress(new RunProgress(stage, 0, null, null, null, null, text));
            observer.Verbose(text);
        }
    }

    /// <summary>The stage as its span is called: an imperative, in small letters.</summary>
    private static string SpanOf(string stage) => stage switch
    {
        "Reading" => "read",
        "Looking" => "look",
        "Keeping" => "keep",
        "Sending" => "send",
        "Following" => "follow",
        "Verifying" => "verify",
        "Removing" => "remove",
        "Stopping" => "stop",
        "Closing" => "close",
        _ => "preflight",
    };

    /// <summary>One line that replaces the last, for waits.</summary>
    public void Waiting(string stage, string text)
    {
        lock (_lock)
        {
            if (_stage != stage) observer.Verbose(text);
            _stage = stage;
            observer.Progress(new RunProgress(stage, 0, null, null, null, null, text));
        }
    }

    public void Report(long done, long? total, string unit)
    {
        lock (_lock)
        {
            if (_last is { } last && time.GetElapsedTime(last) < Between) return;
            _last = time.GetTimestamp();
            double seconds = Math.Max(0.001, time.GetElapsedTime(_began).TotalSeconds);
            double rate = done / seconds;
            TimeSpan? left = total is { } all && rate > 0 ? TimeSpan.FromSeconds(Math.Max(0, all - done) / rate) : null;
            string text = total is null
                ? string.Create(CultureInfo.InvariantCulture, $"{done:N0} {unit}, {rate:N0} a second")
                : string.Create(CultureInfo.InvariantCulture, $"{done:N0} of {total:N0} {unit}, {rate:N1} a second");
            observer.Progress(new RunProgress(_stage, done, total, total > 0 ? (double)done / total : null, rate, left, text));
        }
    }
}
