using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CcExport.Engine.Telemetry;

/// <summary>
/// What the engine tells whoever listens: spans of the source and instruments of the meter <c>CcExport</c>. Names, units and tags are a promise
/// (docs/observability.md). A tag holds a name, a status or a route, never an address or an id of the service.
/// </summary>
internal static class Signals
{
    public const string Name = "CcExport";

    public const string ExportTag = "ccexport.export";
    public const string ConnectionTag = "ccexport.connection";
    public const string RunTag = "ccexport.run";
    public const string StatusTag = "ccexport.status";
    public const string TriggerTag = "ccexport.trigger";
    public const string FateTag = "ccexport.fate";
    public const string AttemptTag = "ccexport.attempt";
    public const string ErrorTag = "error.type";
    public const string RouteTag = "url.template";
    public const string MethodTag = "http.request.method";
    public const string CodeTag = "http.response.status_code";

    public static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    public static readonly Counter<long> Runs = Meter.CreateCounter<long>("ccexport.runs", "{run}", "Runs that ended or stand still.");
    public static readonly Counter<long> Profiles = Meter.CreateCounter<long>("ccexport.profiles", "{profile}", "Profiles of ended runs, by what became of them.");
    public static readonly Histogram<double> RunDuration = Meter.CreateHistogram<double>("ccexport.run.duration", "s", "From the begin of a run to its end.");
    public static readonly Counter<long> Requests = Meter.CreateCounter<long>("ccexport.requests", "{request}", "Requests to Constant Contact, repeated ones included.");
    public static readonly Histogram<double> RequestDuration = Meter.CreateHistogram<double>("ccexport.request.duration", "s", "From sending a request to the end of its answer.");
    public static readonly Histogram<double> BudgetWait = Meter.CreateHistogram<double>("ccexport.budget.wait", "s", "How long a request waited for a place in the call budget.");

    /// <summary>Whether anybody wants to know of requests: their route is put together only then.</summary>
    public static bool WantsRequests => Source.HasListeners() || Requests.Enabled || RequestDuration.Enabled;
}
