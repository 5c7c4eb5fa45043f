using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CcExport.Simulator.State;

namespace CcExport.Simulator.SignIn;

/// <summary>The sign-in server's memory and rules. All calls are made under the simulation's lock.</summary>
internal sealed class TokenService
{
    private const string SeedScope = "account_read contact_data offline_access";
    private static readonly string[] KnownScopes =
        ["account_read", "account_update", "contact_data", "campaign_data", "offline_access", "billing_data"];

    private readonly IdSource _ids;
    private readonly SimulationClock _clock;
    private readonly Func<SimulatorSwitches> _switches;
    private readonly Dictionary<string, AccessGrant> _access = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RefreshGrant> _refresh = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CodeGrant> _codes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AuthorizeRequest> _asked = new(StringComparer.Ordinal);
    private readonly List<DeviceGrant> _devices = [];
    private int _families;

    public TokenService(IdSource ids, SimulationClock clock, Func<SimulatorSwitches> switches)
    {
        _ids = ids;
        _clock = clock;
        _switches = switches;
        ClientId = ids.Guid();
        ClientSecret = ids.Secret(16);
        UserId = ids.Guid();
        CurrentRefreshToken = NewRefresh(SeedScope, ++_families).Token;
    }

    public string ClientId { get; }

    public string ClientSecret { get; }

    public string UserId { get; }

    /// <summary>The refresh token that was issued last and is good.</summary>
    public string CurrentRefreshToken { get; private set; }

    public TokenLog Log { get; } = new();

    /// <summary>Redirect addresses without their port; loopback ones take any.</summary>
    public HashSet<string> RedirectUris { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<DeviceGrant> Devices => _devices;

    public AccessGrant? FindAccess(string token, out bool known)
    {
        known = _access.TryGetValue(token, out AccessGrant? grant);
        return known && grant!.ExpiresAt > _clock.Now ? grant : null;
    }

    public void ExpireAccessTokens()
    {
        foreach (AccessGrant grant in _access.Values) grant.ExpiresAt = _clock.Now;
    }

    public void RevokeRefreshTokens()
    {
        foreach (RefreshGrant grant in _refresh.Values) grant.Dead = true;
    }

    /// <summary>A new consent without any page, for tests that need a fresh start.</summary>
    public string IssueRefreshToken(string? scope = null) => NewRefresh(scope ?? SeedScope, ++_families).Token;

    public bool IsRegistered(string redirectUri)
    {
        if (!Uri.TryCreate(redirectUri, UriKind.Absolute, out Uri? uri) || uri.Fragment.Length > 0) return false;
        return (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback) || RedirectUris.Contains(redirectUri);
    }

    public static void CheckScope(string scope)
    {
        string[] asked = scope.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (asked.Length == 0 || !asked.All(KnownScopes.Contains))
            throw new SignInException(400, "invalid_scope", "One or more scopes are not configured for the authorization server resource.");
    }

    public string Ask(AuthorizeRequest request)
    {
        string ticket = _ids.Secret(16);
        _asked.Add(ticket, request);
        return ticket;
    }

    /// <summary>The person's answer; gives the address to go back to, or null when the ticket is not known.</summary>
    public string? Answer(string ticket, bool allow)
    {
        if (!_asked.Remove(ticket, out AuthorizeRequest? request)) return null;
        string state = Uri.EscapeDataString(request.State);
        char join = request.RedirectUri.Contains('?') ? '&' : '?';
        if (!allow)
        {
            return $"{request.RedirectUri}{join}error=access_denied&error_description="
                + $"{Uri.EscapeDataString("The resource owner denied the request.")}&state={state}";
        }

        string code = _ids.Secret(24);
        _codes.Add(code, new CodeGrant(request, _clock.Now.AddSeconds(_switches().CodeSeconds)));
        return $"{request.RedirectUri}{join}code={code}&state={state}";
    }

    public TokenReply Redeem(string code, string redirectUri, string? verifier, bool hasSecret)
    {
        if (!_codes.TryGetValue(code, out CodeGrant? grant) || grant.Used || grant.ExpiresAt <= _clock.Now)
            throw new SignInException(400, "invalid_grant", "The authorization code is invalid or has expired.");
        if (grant.Request.RedirectUri != redirectUri)
            throw new SignInException(400, "invalid_grant", "The 'redirect_uri' does not match the one of the authorization request.");
        if (grant.Request.Challenge is { } challenge)
        {
            byte[] hash = SHA256.HashData(Encoding.ASCII.GetBytes(verifier ?? ""));
            if (verifier is not { Length: >= 43 and <= 128 } || Base64Url.EncodeToString(hash) != challenge)
                throw new SignInException(400, "invalid_grant", "PKCE verification failed.");
        }
        else if (!hasSecret)
        {
            throw new SignInException(401, "invalid_client", "Client authentication failed.");
        }

        grant.Used = true;
        Log.Codes++;
        return Reply(grant.Request.Scope, ++_families);
    }

    public DeviceGrant StartDevice(string scope)
    {
        SimulatorSwitches switches = _switches();
        var grant = new DeviceGrant(_ids.Secret(32), _ids.UserCode(), scope, switches.DeviceIntervalSeconds,
            _clock.Now.AddSeconds(switches.DeviceExpiresInSeconds));
        if (switches.AutoConsent != ConsentMode.Ask) grant.Allowed = switches.AutoConsent == ConsentMode.Allow;
        _devices.Add(grant);
        return grant;
    }

    /// <summary>The person's answer on the device page; without a code it is about the latest device that waits.</summary>
    public bool AnswerDevice(string? userCode, bool allow)
    {
        string? code = userCode?.Trim().ToUpperInvariant().Replace(" ", "", StringComparison.Ordinal);
        DeviceGrant? grant = _devices.FindLast(d => d.Allowed is null && d.ExpiresAt > _clock.Now
            && (code is null || d.UserCode == code || d.UserCode.Replace("-", "", StringComparison.Ordinal) == code));
        if (grant is null) return false;
        grant.Allowed = allow;
        return true;
    }

    public TokenReply PollDevice(string deviceCode)
    {
        Log.DevicePolls++;
        DeviceGrant? grant = _devices.Find(d => d.DeviceCode == deviceCode);
        if (grant is null || grant.Used) throw new SignInException(400, "invalid_grant", "The device code is invalid.");
        if (grant.ExpiresAt <= _clock.Now) throw new SignInException(400, "expired_token", "The device code has expired.");
        TimeSpan now = _clock.Elapsed;
        TimeSpan? before = grant.LastPoll;
        grant.LastPoll = now;

        // A little less than the interval passes: the way to us is not equally long each time.
        if (before is { } last && now - last < TimeSpan.FromSeconds(grant.Interval) - TimeSpan.FromMilliseconds(50))
        {
            grant.Interval += 5;
            Log.SlowDowns++;
            throw new SignInException(400, "slow_down", "The client is polling too fast.");
        }

        if (grant.Allowed is null)
            throw new SignInException(400, "authorization_pending", "The device authorization is pending. Please try again later.");
        if (grant.Allowed == false) throw new SignInException(400, "access_denied", "The resource owner denied the request.");
        grant.Used = true;
        return Reply(grant.Scope, ++_families);
    }

    public TokenReply Refresh(string token)
    {
        SimulatorSwitches switches = _switches();
        DateTimeOffset now = _clock.Now;
        _refresh.TryGetValue(token, out RefreshGrant? grant);
        if (grant is null || grant.Dead || grant.LastUsed.AddDays(switches.RefreshTokenIdleDays) <= now)
        {
            Log.DeadRefreshTokens++;
            if (grant is { Dead: true } && switches.RevokeFamilyOnReuse)
            {
                foreach (RefreshGrant other in _refresh.Values.Where(r => r.Family == grant.Family)) other.Dead = true;
            }

            throw new SignInException(400, "invalid_grant", "The refresh token is invalid or expired.");
        }

        Log.Refreshes++;
        grant.LastUsed = now;
        if (!switches.Rotating) return new TokenReply(NewAccess(grant.Scope, grant.Family), grant.Scope, switches.AccessTokenSeconds, token);
        grant.Dead = true;
        return new TokenReply(NewAccess(grant.Scope, grant.Family), grant.Scope, switches.AccessTokenSeconds,
            NewRefresh(grant.Scope, grant.Family).Token);
    }

    private TokenReply Reply(string scope, int family)
    {
        SimulatorSwitches switches = _switches();
        string? refresh = scope.Split(' ').Contains("offline_access") && !switches.WithholdRefreshToken
            ? NewRefresh(scope, family).Token
            : null;
        return new TokenReply(NewAccess(scope, family), scope, switches.AccessTokenSeconds, refresh);
    }

    private RefreshGrant NewRefresh(string scope, int family)
    {
        var grant = new RefreshGrant(_ids.Secret(31), scope, family, _clock.Now);
        _refresh.Add(grant.Token, grant);
        CurrentRefreshToken = grant.Token;
        return grant;
    }

    /// <summary>Looks like the JWT of the real server; its signature is noise.</summary>
    private string NewAccess(string scope, int family)
    {
        DateTimeOffset now = _clock.Now;
        DateTimeOffset expires = now.AddSeconds(_switches().AccessTokenSeconds);
        string header = Part(w =>
        {
            w.WriteString("kid", _ids.Secret(16));
            w.WriteString("alg", "RS256");
        });
        string body = Part(w =>
        {
            w.WriteNumber("ver", 1);
            w.WriteString("jti", "AT." + _ids.Secret(24));
            w.WriteString("iss", "https://identity.constantcontact.com/oauth2/aus1lm3ry9mF7x2Ja0h8");
            w.WriteString("aud", "https://api.cc.email/v3");
            w.WriteNumber("iat", now.ToUnixTimeSeconds());
            w.WriteNumber("exp", expires.ToUnixTimeSeconds());
            w.WriteString("cid", ClientId);
            w.WriteString("uid", UserId);
            w.WriteStartArray("scp");
            foreach (string name in scope.Split(' ')) w.WriteStringValue(name);
            w.WriteEndArray();
            w.WriteString("sub", "simulator@example.com");
            w.WriteString("platform_user_id", UserId);
        });
        string token = $"{header}.{body}.{_ids.Secret(256)}";
        _access.Add(token, new AccessGrant(scope, family, expires));
        return token;
    }

    private static string Part(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return Base64Url.EncodeToString(stream.ToArray());
    }
}
