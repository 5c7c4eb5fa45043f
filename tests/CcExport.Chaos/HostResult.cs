using System.Text.Json;
using System.Text.Json.Serialization;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;

namespace CcExport.Chaos;

/// <summary>The one line that a host prints at its end: its run, or the error it ended with.</summary>
internal sealed record HostResult
{
    public long Id { get; init; }
    public RunStatus Status { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
    public long Read { get; init; }
    public long Invalid { get; init; }
    public long Duplicate { get; init; }
    public long Suppressed { get; init; }
    public long Unchanged { get; init; }
    public long Sent { get; init; }
    public long Accepted { get; init; }
    public long OptedOut { get; init; }
    public long Refused { get; init; }
    public long Unaccounted { get; init; }
    public int Batches { get; init; }
    public string? Message { get; init; }
    /// <summary>The error's id, when it ended without a run.</summary>
    public string? Error { get; init; }

    public bool IsCompleted => Status is RunStatus.Completed or RunStatus.CompletedWithErrors;

    public static HostResult Of(Run run) => new()
    {
        Id = run.Id,
        Status = run.Status,
        StartedAt = run.StartedAt,
        CompletedAt = run.CompletedAt,
        Read = run.Read,
        Invalid = run.Invalid,
        Duplicate = run.Duplicate,
        Suppressed = run.Suppressed,
        Unchanged = run.Unchanged,
        Sent = run.Sent,
        Accepted = run.Accepted,
        OptedOut = run.OptedOut,
        Refused = run.Refused,
        Unaccounted = run.Unaccounted,
        Batches = run.Batches,
        Message = run.Message,
    };

    public static HostResult Of(Exception e) => new()
    {
        Error = e is CcException known ? known.ErrorId : e.GetType().Name,
        Message = e is CcException ? e.Message : e.ToString(),
    };

    public string ToJson() => JsonSerializer.Serialize(this, HostJson.Default.HostResult);

    public static HostResult? FromJson(string line) => line.StartsWith('{') ? JsonSerializer.Deserialize(line, HostJson.Default.HostResult) : null;
}

/// <summary>Made by the compiler: a host lives too short to do it itself.</summary>
[JsonSerializable(typeof(HostResult))]
internal sealed partial class HostJson : JsonSerializerContext;
