using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.Tokens;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.ConstantContact.Support;

/// <summary>A scripted server, stores in memory, and a connection that is signed in with tokens number 1.</summary>
internal sealed class Wired : IAsyncDisposable
{
    public const string ClientId = "app-1";
    public const string Privileges = "GET /v3/account/user/privileges", Lists = "GET /v3/contact_lists", Import = "POST /v3/activities/contacts_json_import",
        Token = "POST /oauth/token";

    private readonly List<IAsyncDisposable> _made = [];
    private int _issued = 1;

    public Wired(TimeProvider? time = null, WireOptions? options = null, string? clientSecret = null, TimeSpan? life = null)
    {
        Time = time ?? new JumpingTime();
        Wire = new WireContext(Connections, Ledger, Leases, Box, Time) { Options = options ?? new WireOptions(), Random = () => 0.5 };
        DateTimeOffset now = Time.GetUtcNow();
        var secrets = new ConnectionSecrets
        {
            ClientSecret = clientSecret,
            RefreshToken = RefreshToken(1),
            AccessToken = AccessToken(1),
            IssuedAt = now,
            ExpiresAt = now + (life ?? TimeSpan.FromHours(24)),
        };
        Connections[Id] = new ConnectionRecord
        {
            Id = Id,
            Name = "Main",
            ClientId = ClientId,
            ApiEndpoint = new Uri(Server.Origin + "/v3"),
            AuthorizationEndpoint = new Uri(Server.Origin + "/oauth"),
            ConsentedBy = "someone",
            ConsentedAt = now,
            ConsentTextVersion = "1",
            CreatedAt = now,
            SecretsVersion = 1,
            Secrets = secrets.Protect(Box, Id),
        };
        Server.Always(Token, _ => IssueNext());
    }

    public Guid Id { get; } = Guid.NewGuid();
    public ScriptedServer Server { get; } = new();
    public InMemoryConnections Connections { get; } = new();
    public InMemoryLedger Ledger { get; } = new();
    public InMemoryLeases Leases { get; } = new();
    public ScrambleBox Box { get; } = new();
    public TimeProvider Time { get; }
    public JumpingTime Jumping => (JumpingTime)Time;
    public WireContext Wire { get; }
    public ConnectionRecord Record => Connections[Id];
    public ConnectionSecrets Secrets => ConnectionSecrets.Unprotect(Box, Id, Record.Secrets);
    public Request[] Refreshes => Server.To(Token);

    public static string AccessToken(int number) => $"eyJhbGciOiJSUzI1NiJ9.access{number:00}.c2lnbmF0dXJl";

    public static string RefreshToken(int number) => $"Rf{number:00}xQ7mZ4kT9vB2nH6wL1sD8pJ3yC5gA0eU7rM4t";

    public ConstantContactClient Client()
    {
        var client = new ConstantContactClient(Wire, Record);
        _made.Add(client);
        return client;
    }

    public AccessTokens Tokens()
    {
        var tokens = new AccessTokens(Wire, Id, "Main");
        _made.Add(tokens);
        return tokens;
    }

    public Reply IssueNext() => Issue(Interlocked.Increment(ref _issued));

    public static Reply Issue(int number, string expires = "86400", string? refresh = null)
        => Reply.Json($$"""{"token_type":"Bearer","expires_in":{{expires}},"access_token":"{{AccessToken(number)}}","scope":"contact_data","refresh_token":"{{refresh ?? RefreshToken(number)}}"}""");

    public static Reply Refusal(string error, int status = 400)
        => Reply.Json($$"""{"error":"{{error}}","error_description":"The refresh token is invalid or expired."}""", status);

    public static Reply Throttled => Reply.Json("""{"error_key":"throttled","error_message":"Too Many Requests"}""" + "\n", 429);

    public static Reply ServerFault => new(503, "<html><body>Service Unavailable</body></html>") { ContentType = "text/html" };

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable made in _made) await made.DisposeAsync();
        await Server.DisposeAsync();
    }
}
