using System.Data;
using Dapper;
using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>How a run lies in its columns. Read by hand: a history may have a hundred thousand runs of thirty columns, and Dapper makes an object of each value on its way.</summary>
internal static class PostgresRunRow
{
    private static readonly string[] Numbers =
    [
        "Read", "Invalid", "Duplicate", "Suppressed", "Unchanged", "Sent", "Accepted", "OptedOut", "Refused", "Unaccounted", "Removed", "Noted",
        "Batches", "Requests", "BytesSent",
    ];

    public static readonly string NumberNames = string.Join(", ", Numbers);
    public static readonly string NumberValues = string.Join(", ", Numbers.Select(name => "@" + name));
    public static readonly string NumberSets = string.Join(", ", Numbers.Select(name => $"{name} = @{name}"));

    /// <summary>The columns in the order in which <see cref="Read"/> takes them; the key of the spool, which not everybody may see, last.</summary>
    public static readonly string Columns =
        "Id, Export, ConnectionId, Connection, ListId, Status, Trigger, StartedAt, AllSealedAt, CompletedAt, Message, Definition, AccountId, PlannedAt, Plan, " + NumberNames;

    /// <summary>The parameters of a new run.</summary>
    public static DynamicParameters Values(RunRecord run)
    {
        // The numbers by their own names.
        var values = new DynamicParameters(run.Numbers);
        values.AddDynamicParams(new
        {
            run.Export,
            ExportKey = run.Export is null ? null : NameKey.Of(run.Export),
            run.ConnectionId,
            run.Connection,
            run.ListId,
            Status = run.Status.ToString(),
            run.Trigger,
            StartedAt = run.StartedAt.UtcDateTime,
            run.Message,
            run.Definition,
            run.SpoolKey,
            run.AccountId,
            PlannedAt = run.PlannedAt?.UtcDateTime,
        });
        return values;
    }

    public static RunRecord Read(IDataRecord row)
    {
        int n = 15;
        return new RunRecord
        {
            Id = row.GetInt64(0),
            Export = TextAt(row, 1),
            ConnectionId = row.GetGuid(2),
            Connection = row.GetString(3),
            ListId = row.GetString(4),
            Status = Enum.Parse<RunStatus>(row.GetString(5)),
            Trigger = row.GetString(6),
            StartedAt = Time(row.GetDateTime(7)),
            AllSealedAt = TimeAt(row, 8),
            CompletedAt = TimeAt(row, 9),
            Message = TextAt(row, 10),
            Definition = row.GetString(11),
            AccountId = TextAt(row, 12),
            PlannedAt = TimeAt(row, 13),
            Plan = TextAt(row, 14),
            Numbers = new RunNumbers
            {
                Read = row.GetInt64(n++),
                Invalid = row.GetInt64(n++),
                Duplicate = row.GetInt64(n++),
                Suppressed = row.GetInt64(n++),
                Unchanged = row.GetInt64(n++),
                Sent = row.GetInt64(n++),
                Accepted = row.GetInt64(n++),
                OptedOut = row.GetInt64(n++),
                Refused = row.GetInt64(n++),
                Unaccounted = row.GetInt64(n++),
                Removed = row.GetInt64(n++),
                Noted = row.GetInt64(n++),
                Batches = row.GetInt32(n++),
                Requests = row.GetInt32(n++),
                BytesSent = row.GetInt64(n++),
            },
            SpoolKey = row.FieldCount > n && !row.IsDBNull(n) ? (byte[])row.GetValue(n) : null,
        };
    }

    private static string? TextAt(IDataRecord row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? TimeAt(IDataRecord row, int column) => row.IsDBNull(column) ? null : Time(row.GetDateTime(column));
}

/// <summary>A batch as its columns hold it.</summary>
internal sealed class PostgresBatchRow
{
    public int Number { get; set; }
    public int Rows { get; set; }
    public int Bytes { get; set; }
    public string State { get; set; } = "";
    public DateTime? SendingAt { get; set; }
    public DateTime? SentAt { get; set; }
    public string? ActivityId { get; set; }
    public int Attempts { get; set; }
    public string? Verdict { get; set; }
    public int? Accepted { get; set; }
    public int? OptedOut { get; set; }
    public int? Refused { get; set; }
    public int? Unaccounted { get; set; }
    public string? Message { get; set; }
    public DateTime? FinishedAt { get; set; }
    public int? Moved { get; set; }
    public int? HeldOut { get; set; }
    public bool Again { get; set; }

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
        Again = Again,
        Outcome = Verdict is null ? null
            : new BatchOutcome(Verdict, Accepted ?? 0, OptedOut ?? 0, Refused ?? 0, Unaccounted ?? 0, Message, Time(FinishedAt) ?? default, Moved ?? 0, HeldOut ?? 0),
    };
}
