using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>A run as its columns hold it.</summary>
internal sealed class RunRow
{
    private static readonly string[] Names = [.. typeof(RunNumbers).GetProperties().Where(p => p.CanWrite).Select(p => p.Name)];

    /// <summary>The columns of <see cref="RunNumbers"/>, which have its names.</summary>
    public static readonly string NumberNames = string.Join(", ", Names);
    public static readonly string NumberValues = string.Join(", ", Names.Select(name => "@" + name));
    public static readonly string NumberSets = string.Join(", ", Names.Select(name => $"{name} = @{name}"));

    public long Id { get; set; }
    public string? Export { get; set; }
    public string? ExportKey { get; set; }
    public string ConnectionId { get; set; } = "";
    public string Connection { get; set; } = "";
    public string ListId { get; set; } = "";
    public string Status { get; set; } = "";
    public string Trigger { get; set; } = "";
    public long StartedAt { get; set; }
    public long? AllSealedAt { get; set; }
    public long? CompletedAt { get; set; }
    public long Read { get; set; }
    public long Invalid { get; set; }
    public long Duplicate { get; set; }
    public long Suppressed { get; set; }
    public long Unchanged { get; set; }
    public long Sent { get; set; }
    public long Accepted { get; set; }
    public long OptedOut { get; set; }
    public long Refused { get; set; }
    public long Unaccounted { get; set; }
    public long Removed { get; set; }
    public long Noted { get; set; }
    public int Batches { get; set; }
    public int Requests { get; set; }
    public long BytesSent { get; set; }
    public string? Message { get; set; }
    public string Definition { get; set; } = "";
    public byte[]? SpoolKey { get; set; }

    public static RunRow Of(RunRecord run) => new()
    {
        Export = run.Export,
        ExportKey = run.Export is null ? null : NameKey.Of(run.Export),
        ConnectionId = Text(run.ConnectionId),
        Connection = run.Connection,
        ListId = run.ListId,
        Status = run.Status.ToString(),
        Trigger = run.Trigger,
        StartedAt = run.StartedAt.UtcTicks,
        Read = run.Numbers.Read,
        Invalid = run.Numbers.Invalid,
        Duplicate = run.Numbers.Duplicate,
        Suppressed = run.Numbers.Suppressed,
        Unchanged = run.Numbers.Unchanged,
        Sent = run.Numbers.Sent,
        Accepted = run.Numbers.Accepted,
        OptedOut = run.Numbers.OptedOut,
        Refused = run.Numbers.Refused,
        Unaccounted = run.Numbers.Unaccounted,
        Removed = run.Numbers.Removed,
        Noted = run.Numbers.Noted,
        Batches = run.Numbers.Batches,
        Requests = run.Numbers.Requests,
        BytesSent = run.Numbers.BytesSent,
        Message = run.Message,
        Definition = run.Definition,
        SpoolKey = run.SpoolKey,
    };

    public RunRecord ToRecord() => new()
    {
        Id = Id,
        Export = Export,
        ConnectionId = Guid.Parse(ConnectionId),
        Connection = Connection,
        ListId = ListId,
        Status = Enum.Parse<RunStatus>(Status),
        Trigger = Trigger,
        StartedAt = Time(StartedAt),
        AllSealedAt = Time(AllSealedAt),
        CompletedAt = Time(CompletedAt),
        Numbers = new RunNumbers
        {
            Read = Read,
            Invalid = Invalid,
            Duplicate = Duplicate,
            Suppressed = Suppressed,
            Unchanged = Unchanged,
            Sent = Sent,
            Accepted = Accepted,
            OptedOut = OptedOut,
            Refused = Refused,
            Unaccounted = Unaccounted,
            Removed = Removed,
            Noted = Noted,
            Batches = Batches,
            Requests = Requests,
            BytesSent = BytesSent,
        },
        Message = Message,
        Definition = Definition,
        SpoolKey = SpoolKey,
    };
}

/// <summary>A batch as its columns hold it.</summary>
internal sealed class BatchRow
{
    public int Number { get; set; }
    public int Rows { get; set; }
    public int Bytes { get; set; }
    public string State { get; set; } = "";
    public long? SendingAt { get; set; }
    public long? SentAt { get; set; }
    public string? ActivityId { get; set; }
    public int Attempts { get; set; }
    public string? Verdict { get; set; }
    public int? Accepted { get; set; }
    public int? OptedOut { get; set; }
    public int? Refused { get; set; }
    public int? Unaccounted { get; set; }
    public string? Message { get; set; }
    public long? FinishedAt { get; set; }

    public BatchRecord ToRecord() => new()
    {
        Number = Number,
        Rows = Rows,
        Bytes = Bytes,
        State = Enum.Parse<BatchState>(State),
        SendingAt = Time(SendingAt),
        SentAt = Time(SentAt),
        ActivityId = ActivityId,
        Attempts = Attempts,
        Outcome = Verdict is null ? null
            : new BatchOutcome(Verdict, Accepted ?? 0, OptedOut ?? 0, Refused ?? 0, Unaccounted ?? 0, Message, Time(FinishedAt ?? 0)),
    };
}
