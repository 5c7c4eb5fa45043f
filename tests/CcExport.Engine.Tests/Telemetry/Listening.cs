using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CcExport.Engine.Tests.Telemetry;

/// <summary>Hears what the engine tells, of all tests that run at the time.</summary>
internal sealed class Listening : IDisposable
{
    private readonly ActivityListener _spans;
    private readonly MeterListener _meters = new();

    public Listening()
    {
        _spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "CcExport",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = Spans.Enqueue,
        };
        ActivitySource.AddActivityListener(_spans);
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != "CcExport") return;
            Instruments.Enqueue(instrument);
            listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Measured.Enqueue((instrument.Name, value, tags.ToArray())));
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Measured.Enqueue((instrument.Name, value, tags.ToArray())));
        _meters.Start();
    }

    public ConcurrentQueue<Activity> Spans { get; } = new();
    public ConcurrentQueue<Instrument> Instruments { get; } = new();
    public ConcurrentQueue<(string Name, double Value, KeyValuePair<string, object?>[] Tags)> Measured { get; } = new();

    /// <summary>Of one export.</summary>
    public double Sum(string instrument, string export, string? tag = null, string? value = null) => Measured
        .Where(m => m.Name == instrument && m.Tags.Any(t => t.Key == "ccexport.export" && Equals(t.Value, export)) && (tag is null || m.Tags.Any(t => t.Key == tag && Equals(t.Value, value)))).Sum(m => m.Value);

    /// <summary>Every text in it.</summary>
    public IEnumerable<string> Texts() => Spans.SelectMany(s => s.TagObjects.Select(t => $"{t.Key}={t.Value}").Append(s.DisplayName).Append($"{s.StatusDescription}"))
        .Concat(Spans.SelectMany(s => s.Events.Select(e => e.Name))).Concat(Measured.SelectMany(m => m.Tags.Select(t => $"{t.Key}={t.Value}")));

    public void Dispose()
    {
        _spans.Dispose();
        _meters.Dispose();
    }
}
