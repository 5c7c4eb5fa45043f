using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

/// <summary>Records with every member set, each to something else.</summary>
internal static class Records
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 14, 12, 0, 0, 123, TimeSpan.Zero);

    public static ConnectionRecord Connection(string name = "Main") => new()
    {
        Id = Guid.NewGuid(),
        Name = name,
        ClientId = "client-" + name,
        ApiEndpoint = new Uri("https://api.example/v3"),
        AuthorizationEndpoint = new Uri("https://authz.example/oauth2/default/v1"),
        AccountId = "a07e1l",
        Organization = "Zürich Öl AG",
        ContactLimit = 5000,
        AllowContributor = true,
        ConsentedBy = "EXAMPLE\\admin",
        ConsentedAt = Noon,
        ConsentTextVersion = "1",
        CreatedAt = Noon.AddMinutes(1),
        SignedOutAt = Noon.AddMinutes(2),
        RefreshTokenIssuedAt = Noon.AddMinutes(3),
        SecretsVersion = 0,
        Secrets = [1, 2, 3, 0, 255],
    };

    public static DefinitionRecord Definition(string name, Guid? connectionId = null, string json = "{}") =>
        new() { Name = name, ConnectionId = connectionId, Json = json, CreatedAt = Noon, UpdatedAt = Noon.AddDays(1) };

    public static RunRecord Run(string? export = "Weekly") => new()
    {
        Export = export,
        ConnectionId = Guid.NewGuid(),
        Connection = "Main",
        ListId = "7a0f3b1e-0000-0000-0000-000000000001",
        Status = RunStatus.Running,
        Trigger = "Manual",
        StartedAt = Noon,
        Definition = """{"map":{"email":"EMail"}}""",
        SpoolKey = [9, 8, 7],
    };

    public static BatchRecord Batch(int number, int rows = 10) => new() { Number = number, Rows = rows, Bytes = rows * 90 };

    public static readonly RunNumbers Numbers = new()
    {
        Read = 1,
        Invalid = 2,
        Duplicate = 3,
        Suppressed = 4,
        Unchanged = 5,
        Sent = 6,
        Accepted = 7,
        OptedOut = 8,
        Refused = 9,
        Unaccounted = 10,
        Removed = 11,
        Noted = 12,
        Batches = 13,
        Requests = 14,
        BytesSent = 15_000_000_000,
    };

    public static BatchOutcome Outcome(int accepted, int optedOut = 0, int refused = 0, int unaccounted = 0) =>
        new("completed", accepted, optedOut, refused, unaccounted, "a word", Noon.AddHours(2));
}
