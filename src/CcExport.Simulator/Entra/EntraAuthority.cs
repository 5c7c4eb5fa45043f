using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Entra;

/// <summary>
/// A simulated Microsoft Entra tenant from the inside: applications, people, tokens, and every trouble a test wants. Safe to use from any thread.
/// </summary>
public sealed class EntraAuthority
{
    /// <summary>What access tokens are for when no resource was named.</summary>
    public const string GraphAudience = "00000003-0000-0000-c000-000000000000";

    /// <summary>Who issues federated tokens that are trusted here.</summary>
    public const string FederatedIssuer = "https://cluster.simulator.example/";

    private static readonly string[] OpenIdScopes = ["openid", "profile", "offline_access", "email"];

    private readonly Lock _gate = new();
    private readonly IdSource _ids;
    private readonly SimulationClock _clock;
    private readonly ECDsa _federation = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly Dictionary<string, EntraApplication> _applications = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<EntraUser> _users = [];
    private readonly Dictionary<string, EntraAsk> _asked = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EntraCode> _codes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EntraRefresh> _refresh = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EntraAccess> _access = new(StringComparer.Ordinal);
    private readonly List<EntraDevice> _devices = [];
    private readonly Queue<EntraFault> _faults = new();
    private readonly List<EntraCall> _calls = [];
    private EntraFault? _always;

    internal EntraAuthority(IdSource ids, SimulationClock clock)
    {
        (_ids, _clock) = (ids, clock);
        TenantId = ids.Guid();
        Demo = AddApplication();
        DemoSecret = ids.Secret(24);
        Demo.Secrets.Add(DemoSecret);
        AddUser("export@simulator.example");
    }

    /// <summary>The tenant's id.</summary>
    public string TenantId { get; }

    /// <summary>An application that is there from the start.</summary>
    public EntraApplication Demo { get; }

    /// <summary>Its secret.</summary>
    public string DemoSecret { get; }

    /// <summary>Life of an access token.</summary>
    public int TokenSeconds { get; set; } = 3599;

    /// <summary>Seconds a device waits between two polls.</summary>
    public int DeviceIntervalSeconds { get; set; } = 1;

    /// <summary>Whether using a refresh token ends it. Entra does not do that; others do, and it shows who loses one.</summary>
    public bool RotateStrictly { get; set; }

    /// <summary>Resources that the tenant knows; empty: any.</summary>
    public ISet<string> Resources { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>User-assigned managed identities of the simulated machine; the system-assigned one is always there.</summary>
    public ISet<string> ManagedIdentities { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>What the endpoint of managed identities expects in <c>X-IDENTITY-HEADER</c>.</summary>
    public string ManagedIdentityHeader => Demo.ClientId;

    /// <summary>All calls for tokens, the oldest first.</summary>
    public IReadOnlyList<EntraCall> Calls
    {
        get { lock (_gate) return [.. _calls]; }
    }

    /// <summary>The people.</summary>
    public IReadOnlyList<EntraUser> Users
    {
        get { lock (_gate) return [.. _users]; }
    }

    /// <summary>All secrets and tokens that were ever given out: none of them may be found where it does not belong.</summary>
    public IReadOnlyList<string> EverythingSecret
    {
        get { lock (_gate) return [.. _access.Keys, .. _refresh.Keys, .. _codes.Keys, .. _applications.Values.SelectMany(a => a.Secrets)]; }
    }

    /// <summary>Registers an application.</summary>
    public EntraApplication AddApplication()
    {
        lock (_gate)
        {
            var application = new EntraApplication { ClientId = _ids.Guid() };
            _applications.Add(application.ClientId, application);
            return application;
        }
    }

    /// <summary>Adds a person.</summary>
    public EntraUser AddUser(string userName)
    {
        lock (_gate)
        {
            var user = new EntraUser(_ids.Guid(), userName);
            _users.Add(user);
            return user;
        }
    }

    /// <summary>The next calls meet these troubles, one each.</summary>
    public void FailNext(params EntraFault[] faults)
    {
        lock (_gate)
        {
            foreach (EntraFault fault in faults) _faults.Enqueue(fault);
        }
    }

    /// <summary>All calls meet this trouble, until it is null again.</summary>
    public void FailAlways(EntraFault? fault)
    {
        lock (_gate) _always = fault;
    }

    /// <summary>Ends all access tokens now.</summary>
    public void ExpireAccessTokens()
    {
        lock (_gate)
        {
            foreach (EntraAccess access in _access.Values) access.ExpiresAt = _clock.Now;
        }
    }

    /// <summary>Ends all refresh tokens, as when a password was changed (AADSTS50173).</summary>
    public void RevokeRefreshTokens()
    {
        lock (_gate)
        {
            foreach (EntraRefresh refresh in _refresh.Values) refresh.Revoked = true;
        }
    }

    /// <summary>Ends all refresh tokens for not having been used for 90 days (AADSTS700082).</summary>
    public void ExpireRefreshTokens()
    {
        lock (_gate)
        {
            foreach (EntraRefresh refresh in _refresh.Values) refresh.Expired = true;
        }
    }

    /// <summary>Answers a device that waits; without a code the latest one. False when none waits.</summary>
    public bool AnswerDevice(bool allow, string? userCode = null, EntraUser? user = null)
    {
        lock (_gate)
        {
            EntraDevice? device = _devices.FindLast(d => d.User is null && !d.Refused && d.ExpiresAt > _clock.Now
                && (userCode is null || d.UserCode.Equals(userCode.Trim(), StringComparison.OrdinalIgnoreCase)));
            if (device is null) return false;
            if (allow) device.User = user ?? _users[0];
            else device.Refused = true;
            return true;
        }
    }

    /// <summary>A token as a cluster writes it into a file for a workload.</summary>
    public string IssueFederatedToken(string subject, int seconds = 3600)
    {
        lock (_gate)
        {
            return Jwt.Signed(_federation, w =>
            {
                w.WriteString("iss", FederatedIssuer);
                w.WriteString("sub", subject);
                w.WriteString("aud", "api://AzureADTokenExchange");
                w.WriteNumber("iat", _clock.Now.ToUnixTimeSeconds());
                w.WriteNumber("exp", _clock.Now.AddSeconds(seconds).ToUnixTimeSeconds());
            });
        }
    }

    /// <summary>Whether a token is for this audience and alive; else why not.</summary>
    internal string? Refuse(string token, string audience)
    {
        lock (_gate)
        {
            if (!_access.TryGetValue(token, out EntraAccess? access)) return "The token was not issued here.";
            if (access.ExpiresAt <= _clock.Now) return "The token has expired.";
            return access.Audience.TrimEnd('/').Equals(audience.TrimEnd('/'), StringComparison.OrdinalIgnoreCase) ? null : "The token is for another audience.";
        }
    }

    /// <summary>The trouble that this call meets.</summary>
    internal EntraFault? MeetFault()
    {
        lock (_gate) return _faults.TryDequeue(out EntraFault? fault) ? fault : _always;
    }

    internal void Log(EntraCall call)
    {
        lock (_gate) _calls.Add(call);
    }

    internal EntraApplication Application(string? clientId)
    {
        lock (_gate)
        {
            return clientId is not null && _applications.TryGetValue(clientId, out EntraApplication? found) ? found
                : throw new EntraException(400, "unauthorized_client", 700016, $"Application with identifier '{clientId}' was not found in the directory 'Simulator'.");
        }
    }

    /// <summary>Keeps the request of a browser; gives the ticket that the page carries.</summary>
    internal string Ask(EntraAsk ask)
    {
        lock (_gate)
        {
            AudienceOf(ask.Scope);
            string ticket = _ids.Secret(16);
            _asked.Add(ticket, ask);
            return ticket;
        }
    }

    /// <summary>The person's answer: the request and a code; null code: refused. Null when the ticket is not known.</summary>
    internal (EntraAsk Ask, string? Code)? Answer(string ticket, string? userName, bool allow)
    {
        lock (_gate)
        {
            if (!_asked.Remove(ticket, out EntraAsk? ask)) return null;
            if (!allow) return (ask, null);
            EntraUser user = _users.Find(u => u.UserName == userName) ?? _users[0];
            Application(ask.ClientId).NeedsConsent.Remove(AudienceOf(ask.Scope));
            string code = _ids.Secret(32);
            _codes.Add(code, new EntraCode(ask, user, _clock.Now.AddMinutes(10)));
            return (ask, code);
        }
    }

    internal EntraReply Redeem(EntraApplication application, string code, string redirectUri, string? verifier)
    {
        lock (_gate)
        {
            if (!_codes.TryGetValue(code, out EntraCode? grant) || grant.Ask.ClientId != application.ClientId)
                throw new EntraException(400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.");
            if (grant.Used) throw new EntraException(400, "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed.");
            if (grant.ExpiresAt <= _clock.Now) throw new EntraException(400, "invalid_grant", 70008, "The provided authorization code has expired.");
            if (grant.Ask.RedirectUri != redirectUri)
                throw new EntraException(400, "invalid_grant", 500112, "The reply address does not match the reply address of the authorization request.");
            if (verifier is null || Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))) != grant.Ask.Challenge)
                throw new EntraException(400, "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.");
            grant.Used = true;
            return ForUser(application, grant.User, grant.Ask.Scope, grant.Ask.Nonce);
        }
    }

    internal EntraDevice StartDevice(EntraApplication application, string scope)
    {
        lock (_gate)
        {
            AudienceOf(scope);
            var device = new EntraDevice(_ids.Secret(32), _ids.UserCode(), application.ClientId, scope, _clock.Now.AddMinutes(15));
            _devices.Add(device);
            return device;
        }
    }

    internal EntraReply PollDevice(EntraApplication application, string deviceCode)
    {
        lock (_gate)
        {
            EntraDevice device = _devices.Find(d => d.DeviceCode == deviceCode && d.ClientId == application.ClientId && !d.Used)
                ?? throw new EntraException(400, "bad_verification_code", 70018, "Bad verification code received.");
            if (device.ExpiresAt <= _clock.Now) throw new EntraException(400, "expired_token", 70020, "The device code expired.");
            if (device.Refused) throw new EntraException(400, "authorization_declined", 70019, "End user denied the authorization request.");
            if (device.User is null) throw new EntraException(400, "authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.");
            device.Used = true;
            application.NeedsConsent.Remove(AudienceOf(device.Scope));
            return ForUser(application, device.User, device.Scope, null);
        }
    }

    internal EntraReply Refresh(EntraApplication application, string token, string scope)
    {
        lock (_gate)
        {
            if (!_refresh.TryGetValue(token, out EntraRefresh? refresh) || refresh.ClientId != application.ClientId)
                throw new EntraException(400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.");
            if (refresh.Revoked)
                throw new EntraException(400, "invalid_grant", 50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed.") { SubError = "bad_token" };
            if (refresh.Expired)
                throw new EntraException(400, "invalid_grant", 700082, "The refresh token has expired due to inactivity.") { SubError = "bad_token" };
            EntraReply reply = ForUser(application, refresh.User, scope, null);
            refresh.Revoked = RotateStrictly;
            return reply;
        }
    }

    /// <summary>A token for an application itself.</summary>
    internal EntraReply ForApplication(string clientId, string scope)
    {
        lock (_gate)
        {
            if (!scope.Split(' ').All(s => s.EndsWith("/.default", StringComparison.Ordinal)))
                throw new EntraException(400, "invalid_scope", 1002012, "The provided value for scope is not valid. Client credential flows must have a scope value with /.default.");
            return new EntraReply(NewAccess(AudienceOf(scope), clientId, null), scope, TokenSeconds);
        }
    }

    /// <summary>Checks a signed statement of a cluster; false when it is not trusted.</summary>
    internal bool IsFederated(EntraApplication application, string assertion)
    {
        lock (_gate)
        {
            return Jwt.Read(assertion) is { } read && read.Verify(_federation) && read.Text("iss") == FederatedIssuer && read.Text("aud") == "api://AzureADTokenExchange"
                && application.FederatedSubjects.Contains(read.Text("sub") ?? "");
        }
    }

    /// <summary>Wall time.</summary>
    internal DateTimeOffset Now => _clock.Now;

    private EntraReply ForUser(EntraApplication application, EntraUser user, string scope, string? nonce)
    {
        string audience = AudienceOf(scope);
        if (application.NeedsConsent.Contains(audience))
        {
            throw new EntraException(400, "invalid_grant", 65001, $"The user or administrator has not consented to use the application with ID '{application.ClientId}'.")
            { SubError = "consent_required" };
        }
        string? refresh = null;
        if (scope.Split(' ').Contains("offline_access"))
        {
            refresh = "1.A" + _ids.Secret(120);
            _refresh.Add(refresh, new EntraRefresh(refresh, application.ClientId, user));
        }
        string idToken = Jwt.Unsigned(w =>
        {
            w.WriteString("iss", $"https://login.simulator.example/{TenantId}/v2.0");
            w.WriteString("aud", application.ClientId);
            w.WriteString("sub", user.Id);
            w.WriteString("oid", user.Id);
            w.WriteString("tid", TenantId);
            w.WriteString("ver", "2.0");
            w.WriteString("preferred_username", user.UserName);
            w.WriteString("name", user.UserName);
            if (nonce is not null) w.WriteString("nonce", nonce);
            w.WriteNumber("iat", Now.ToUnixTimeSeconds());
            w.WriteNumber("exp", Now.AddHours(1).ToUnixTimeSeconds());
        });
        // With another resource than Graph the answer names its scopes alone.
        string granted = audience == GraphAudience ? scope : string.Join(' ', scope.Split(' ').Except(OpenIdScopes));
        return new EntraReply(NewAccess(audience, application.ClientId, user), granted, TokenSeconds, user, refresh, idToken);
    }

    /// <summary>The one resource that scopes are about; Graph when they name none.</summary>
    private string AudienceOf(string scope)
    {
        string[] audiences = [.. scope.Split(' ', StringSplitOptions.RemoveEmptyEntries).Except(OpenIdScopes)
            .Select(s => s.LastIndexOf('/') is > 0 and int at ? s[..at].TrimEnd('/') : GraphAudience).Distinct(StringComparer.OrdinalIgnoreCase)];
        if (audiences.Length > 1) throw new EntraException(400, "invalid_request", 28000, "Provided value for the input parameter scope is not valid: it has scopes of several resources.");
        string audience = audiences.Length == 0 ? GraphAudience : audiences[0];
        return Resources.Count == 0 || audience == GraphAudience || Resources.Contains(audience) ? audience
            : throw new EntraException(400, "invalid_resource", 500011, $"The resource principal named {audience} was not found in the tenant.");
    }

    private string NewAccess(string audience, string clientId, EntraUser? user)
    {
        DateTimeOffset expires = Now.AddSeconds(TokenSeconds);
        string token = Jwt.Noise(_ids.Secret(64), w =>
        {
            w.WriteString("aud", audience);
            w.WriteString("iss", $"https://sts.simulator.example/{TenantId}/");
            w.WriteString("appid", clientId);
            w.WriteString("tid", TenantId);
            if (user is not null) w.WriteString("upn", user.UserName);
            w.WriteString("uti", _ids.Secret(12));
            w.WriteNumber("exp", expires.ToUnixTimeSeconds());
        });
        _access.Add(token, new EntraAccess(audience, expires));
        return token;
    }
}
