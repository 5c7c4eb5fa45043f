using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using CcExport.Simulator.Entra;

namespace CcExport.Simulator.Tests;

/// <summary>The simulated Entra tenant, asked as its protocol has it.</summary>
public sealed class EntraTests : IAsyncLifetime
{
    private const string Crm = "https://org.crm.dynamics.com/.default";

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Subject.Contains("CN=localhost", StringComparison.Ordinal) },
    });

    private Service _service = null!;

    private RunningSimulator Simulator => _service.Simulator;

    private EntraAuthority Entra => _service.State.Entra;

    public async Task InitializeAsync() => _service = await Service.StartAsync(signIn: false);

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _service.DisposeAsync();
    }

    private async Task<(HttpStatusCode Status, JsonElement Json)> PostAsync(string path, params (string Name, string Value)[] form)
    {
        using HttpResponseMessage response = await _http.PostAsync(new Uri(Simulator.AuthorityUrl + path), new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))));
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
    }

    private Task<(HttpStatusCode Status, JsonElement Json)> TokenAsync(params (string, string)[] form) => PostAsync("/oauth2/v2.0/token", [("client_id", Simulator.EntraClientId), .. form]);

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private static void Refused((HttpStatusCode Status, JsonElement Json) answer, string error, int code)
    {
        Assert.True((int)answer.Status is 400 or 401);
        Assert.Equal((error, code), (Text(answer.Json, "error"), answer.Json.GetProperty("error_codes")[0].GetInt32()));
        Assert.StartsWith($"AADSTS{code}: ", Text(answer.Json, "error_description"), StringComparison.Ordinal);
    }

    private Task<(HttpStatusCode Status, JsonElement Json)> SecretAsync(string secret, string scope = Crm)
        => TokenAsync(("grant_type", "client_credentials"), ("client_secret", secret), ("scope", scope));

    [Fact]
    public async Task An_application_gets_a_token_for_the_resource_it_names_and_for_no_other()
    {
        (HttpStatusCode status, JsonElement json) = await SecretAsync(Simulator.EntraClientSecret);
        Assert.Equal(HttpStatusCode.OK, status);
        // Nothing of a person is in it: the library would not take it.
        Assert.Equal(["access_token", "expires_in", "ext_expires_in", "token_type"], json.EnumerateObject().Select(p => p.Name).Order());
        var check = new TokenCheck(Entra);
        string bearer = "Bearer " + Text(json, "access_token");
        Assert.Null(check.Refuse(bearer, "https://org.crm.dynamics.com"));
        Assert.Null(check.Refuse(bearer, "https://ORG.crm.dynamics.com/"));
        Assert.NotNull(check.Refuse(bearer, "https://other.crm.dynamics.com"));
        Assert.NotNull(check.Refuse(bearer + "x", "https://org.crm.dynamics.com"));
        Assert.NotNull(check.Refuse(null, "https://org.crm.dynamics.com"));
        Assert.NotNull(check.Refuse("Basic abc", "https://org.crm.dynamics.com"));
        _service.Time.Advance(TimeSpan.FromHours(1));
        Assert.NotNull(check.Refuse(bearer, "https://org.crm.dynamics.com"));
    }

    [Fact]
    public async Task An_application_is_refused_as_Entra_refuses_it()
    {
        Refused(await SecretAsync("wrong"), "invalid_client", 7000215);
        Refused(await SecretAsync(Simulator.EntraClientSecret, "https://org.crm.dynamics.com/user_impersonation"), "invalid_scope", 1002012);
        Refused(await SecretAsync(Simulator.EntraClientSecret, Crm + " https://storage.azure.com/.default"), "invalid_request", 28000);
        Refused(await TokenAsync(("grant_type", "client_credentials"), ("scope", Crm)), "invalid_client", 7000218);
        Refused(await TokenAsync(("grant_type", "password"), ("scope", Crm)), "unsupported_grant_type", 70003);
        Refused(await TokenAsync(("scope", Crm)), "invalid_request", 900144);
        Refused(await PostAsync("/oauth2/v2.0/token", ("client_id", Guid.NewGuid().ToString()), ("grant_type", "client_credentials")), "unauthorized_client", 700016);
        Refused(await PostAsync("/../" + Guid.NewGuid() + "/oauth2/v2.0/token", ("client_id", Simulator.EntraClientId)), "invalid_request", 90002);
        Entra.Resources.Add("https://storage.azure.com");
        Refused(await SecretAsync(Simulator.EntraClientSecret), "invalid_resource", 500011);
        Assert.All(Entra.Calls, call => Assert.NotNull(call.Error));
    }

    [Fact]
    public async Task A_certificate_proves_an_application_by_what_it_signed()
    {
        using var key = RSA.Create(2048);
        using X509Certificate2 certificate = new CertificateRequest("CN=a", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(Service.Start.AddDays(-1), Service.Start.AddDays(1));
        string Assertion(string audience, RSA with, long expires)
        {
            static string Part(object value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
            string body = Part(new Dictionary<string, string> { ["alg"] = "PS256", ["x5t#S256"] = Base64Url.EncodeToString(certificate.GetCertHash(HashAlgorithmName.SHA256)) })
                + "." + Part(new { iss = Simulator.EntraClientId, sub = Simulator.EntraClientId, aud = audience, exp = expires });
            return $"{body}.{Base64Url.EncodeToString(with.SignData(Encoding.ASCII.GetBytes(body), HashAlgorithmName.SHA256, RSASignaturePadding.Pss))}";
        }
        Task<(HttpStatusCode Status, JsonElement Json)> AskAsync(string assertion) => TokenAsync(("grant_type", "client_credentials"), ("scope", Crm),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), ("client_assertion", assertion));
        string endpoint = Simulator.AuthorityUrl + "/oauth2/v2.0/token";
        long soon = Service.Start.AddMinutes(5).ToUnixTimeSeconds();
        using var other = RSA.Create(2048);
        Refused(await AskAsync(Assertion(endpoint, key, soon)), "invalid_client", 700027);
        Entra.Demo.Certificates.Add(X509CertificateLoader.LoadCertificate(certificate.RawData));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(Assertion(endpoint, key, soon))).Status);
        Refused(await AskAsync(Assertion(endpoint, other, soon)), "invalid_client", 700027);
        Refused(await AskAsync(Assertion("https://elsewhere", key, soon)), "invalid_client", 50027);
        Refused(await AskAsync(Assertion(endpoint, key, soon - 400)), "invalid_client", 700024);
        Refused(await AskAsync("no.token"), "invalid_client", 50027);

        Refused(await AskAsync(Entra.IssueFederatedToken("pod")), "invalid_client", 700213);
        Entra.Demo.FederatedSubjects.Add("pod");
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(Entra.IssueFederatedToken("pod"))).Status);
        Refused(await AskAsync(Entra.IssueFederatedToken("pod", seconds: -1)), "invalid_client", 700024);
    }

    [Fact]
    public async Task A_person_signs_in_on_the_page_and_the_code_is_good_once_with_its_verifier()
    {
        const string verifier = "0123456789012345678901234567890123456789012345";
        string challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        string Page(string extra) => $"{Simulator.AuthorityUrl}/oauth2/v2.0/authorize?client_id={Simulator.EntraClientId}&response_type=code&state=s1&code_challenge={challenge}"
            + $"&code_challenge_method=S256&scope={Uri.EscapeDataString(Crm + " openid profile offline_access")}{extra}";
        async Task<Uri> DecideAsync(string decision)
        {
            string page = await _http.GetStringAsync(Page("&redirect_uri=http%3A%2F%2Flocalhost%3A4711"));
            string ticket = page.Split("name=\"ticket\" value=\"")[1].Split('"')[0];
            using HttpResponseMessage decided = await _http.PostAsync(new Uri(new Uri(Simulator.AuthorityUrl), "/entra/decision"),
                new FormUrlEncodedContent(new Dictionary<string, string> { ["ticket"] = ticket, ["decision"] = decision, ["user"] = Entra.Users[0].UserName }));
            return decided.Headers.Location!;
        }
        Assert.Contains("error=access_denied", (await DecideAsync("deny")).Query, StringComparison.Ordinal);
        Uri back = await DecideAsync("allow");
        Assert.Equal(("localhost", 4711), (back.Host, back.Port));
        Assert.EndsWith("&state=s1", back.Query, StringComparison.Ordinal);
        string code = back.Query.Split("code=")[1].Split('&')[0];
        (string, string)[] form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", "http://localhost:4711")];
        Refused(await TokenAsync([.. form, ("code_verifier", "another")]), "invalid_grant", 501481);
        (HttpStatusCode status, JsonElement json) = await TokenAsync([.. form, ("code_verifier", verifier)]);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(Crm, Text(json, "scope"));
        JsonElement info = JsonDocument.Parse(Base64Url.DecodeFromChars(Text(json, "client_info"))).RootElement;
        Assert.Equal((Entra.Users[0].Id, Entra.TenantId), (Text(info, "uid"), Text(info, "utid")));
        JsonElement id = JsonDocument.Parse(Base64Url.DecodeFromChars(Text(json, "id_token").Split('.')[1])).RootElement;
        Assert.Equal(Entra.Users[0].UserName, Text(id, "preferred_username"));
        Refused(await TokenAsync([.. form, ("code_verifier", verifier)]), "invalid_grant", 54005);

        // Never back to where nobody registered.
        using HttpResponseMessage odd = await _http.GetAsync(Page("&redirect_uri=https%3A%2F%2Fevil.example"));
        Assert.Equal(HttpStatusCode.BadRequest, odd.StatusCode);
        Assert.Contains("AADSTS50011", await odd.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        (string, string)[] refresh = [("grant_type", "refresh_token"), ("refresh_token", Text(json, "refresh_token")), ("scope", "https://storage.azure.com/.default offline_access")];
        (status, json) = await TokenAsync(refresh);
        Assert.Null(new TokenCheck(Entra).Refuse("Bearer " + Text(json, "access_token"), "https://storage.azure.com"));
        Assert.Equal(HttpStatusCode.OK, (await TokenAsync(refresh)).Status);
        Entra.RevokeRefreshTokens();
        Refused(await TokenAsync(refresh), "invalid_grant", 50173);
    }

    [Fact]
    public async Task A_device_waits_until_its_code_is_entered()
    {
        (_, JsonElement json) = await PostAsync("/oauth2/v2.0/devicecode", ("client_id", Simulator.EntraClientId), ("scope", Crm + " offline_access"));
        (string, string)[] poll = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", Text(json, "device_code"))];
        Refused(await TokenAsync(poll), "authorization_pending", 70016);
        using (HttpResponseMessage wrong = await _http.PostAsync(Text(json, "verification_uri"), new FormUrlEncodedContent([KeyValuePair.Create("user_code", "NOPE")])))
            Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        using (HttpResponseMessage entered = await _http.PostAsync(Text(json, "verification_uri"),
            new FormUrlEncodedContent([KeyValuePair.Create("user_code", Text(json, "user_code")), KeyValuePair.Create("decision", "allow")])))
            Assert.Equal(HttpStatusCode.OK, entered.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await TokenAsync(poll)).Status);
        Refused(await TokenAsync(poll), "bad_verification_code", 70018);

        (_, json) = await PostAsync("/oauth2/v2.0/devicecode", ("client_id", Simulator.EntraClientId));
        poll[1] = ("device_code", Text(json, "device_code"));
        Assert.True(Entra.AnswerDevice(false));
        Refused(await TokenAsync(poll), "authorization_declined", 70019);
        (_, json) = await PostAsync("/oauth2/v2.0/devicecode", ("client_id", Simulator.EntraClientId));
        _service.Time.Advance(TimeSpan.FromMinutes(16));
        poll[1] = ("device_code", Text(json, "device_code"));
        Refused(await TokenAsync(poll), "expired_token", 70020);
    }

    [Fact]
    public async Task Troubles_come_in_their_order_and_then_it_works_again()
    {
        Entra.FailNext(EntraFault.Throttle(7), new EntraFault(503), EntraFault.InteractionRequired, new EntraFault(0));
        using (HttpResponseMessage throttled = await _http.PostAsync(new Uri(Simulator.AuthorityUrl + "/oauth2/v2.0/token"), new FormUrlEncodedContent([])))
            Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(7)), (throttled.StatusCode, throttled.Headers.RetryAfter!.Delta!.Value));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await SecretAsync(Simulator.EntraClientSecret)).Status);
        (HttpStatusCode status, JsonElement json) = await SecretAsync(Simulator.EntraClientSecret);
        Refused((status, json), "interaction_required", 50076);
        Assert.Equal("basic_action", Text(json, "suberror"));
        await Assert.ThrowsAsync<HttpRequestException>(() => SecretAsync(Simulator.EntraClientSecret));
        Assert.Equal(HttpStatusCode.OK, (await SecretAsync(Simulator.EntraClientSecret)).Status);
        Assert.Equal([429, 503, 400, 0, 200], Entra.Calls.Select(c => c.Status));
    }

    [Fact]
    public async Task A_machine_gets_tokens_of_the_identities_it_has()
    {
        async Task<(HttpStatusCode Status, JsonElement Json)> AskAsync(string path, string header, string value)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Simulator.Url + path) { Headers = { { header, value } } };
            using HttpResponseMessage response = await _http.SendAsync(request);
            return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
        }
        const string service = "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Forg.crm.dynamics.com", machine = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Forg.crm.dynamics.com";
        (_, JsonElement json) = await AskAsync(service, "X-IDENTITY-HEADER", Entra.ManagedIdentityHeader);
        Assert.Null(new TokenCheck(Entra).Refuse("Bearer " + Text(json, "access_token"), "https://org.crm.dynamics.com"));
        Assert.Equal(Service.Start.AddSeconds(3599).ToUnixTimeSeconds(), long.Parse(Text(json, "expires_on"), System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(machine, "Metadata", "true")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync(service, "X-IDENTITY-HEADER", "guess")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await AskAsync(machine, "Metadata", "false")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await AskAsync(machine + "&client_id=" + Guid.NewGuid(), "Metadata", "true")).Status);
    }

    [Fact]
    public async Task The_tenant_says_where_everything_is()
    {
        JsonElement json = JsonDocument.Parse(await _http.GetStringAsync(Simulator.AuthorityUrl + "/v2.0/.well-known/openid-configuration")).RootElement;
        Assert.Equal(Simulator.AuthorityUrl + "/oauth2/v2.0/token", Text(json, "token_endpoint"));
        Assert.Equal(Simulator.AuthorityUrl + "/v2.0", Text(json, "issuer"));
        json = JsonDocument.Parse(await _http.GetStringAsync(new Uri(new Uri(Simulator.AuthorityUrl), "/common/discovery/instance?api-version=1.1"))).RootElement;
        Assert.Equal(new Uri(Simulator.AuthorityUrl).Authority, Text(json.GetProperty("metadata")[0], "preferred_network"));
    }
}
