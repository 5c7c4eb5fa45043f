using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;

namespace CcExport.Simulator.Tests;

/// <summary>An answer, read to its end.</summary>
internal sealed record Answer(HttpStatusCode Status, string Body, HttpResponseHeaders Headers, string? ContentType)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string? ErrorKey => Json.ValueKind == JsonValueKind.Array
        ? Json[0].GetProperty("error_key").GetString()
        : Json.GetProperty("error_key").GetString();
}

/// <summary>A simulator on a clock that stands still, and a client of it. Time moves only when a test moves it.</summary>
internal sealed class Service : IAsyncDisposable
{
    public static readonly DateTimeOffset Start = new(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    private Service(RunningSimulator simulator, FakeTimeProvider time)
    {
        Simulator = simulator;
        Time = time;
    }

    public RunningSimulator Simulator { get; }

    public FakeTimeProvider Time { get; }

    public Simulation State => Simulator.State;

    public string? Token { get; set; }

    public static async Task<Service> StartAsync(Action<SimulatorSwitches>? change = null, bool signIn = true)
    {
        var time = new FakeTimeProvider(Start);
        var switches = new SimulatorSwitches { RateLimit = RateLimitMode.Off, TokenRateLimit = false };
        change?.Invoke(switches);
        RunningSimulator simulator = await SimulatorHost.StartAsync(new SimulatorOptions { Switches = switches }, time);
        var service = new Service(simulator, time);
        if (signIn) await service.RefreshAsync();
        return service;
    }

    /// <summary>Long enough for any job of these tests.</summary>
    public void Finish() => Time.Advance(TimeSpan.FromSeconds(5));

    public async Task RefreshAsync()
    {
        Answer answer = await TokenAsync(("grant_type", "refresh_token"), ("refresh_token", Simulator.RefreshToken), ("client_id", Simulator.ClientId));
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Token = answer.Json.GetProperty("access_token").GetString();
    }

    public Task<Answer> TokenAsync(params (string Name, string Value)[] form) => FormAsync("/oauth2/default/v1/token", form);

    public Task<Answer> FormAsync(string path, params (string Name, string Value)[] form) => SendAsync(new HttpRequestMessage(
        HttpMethod.Post, Simulator.Url + path)
    {
        Content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))),
    });

    public Task<Answer> GetAsync(string path) => SendAsync(Authorized(HttpMethod.Get, path));

    public Task<Answer> DeleteAsync(string path) => SendAsync(Authorized(HttpMethod.Delete, path));

    public Task<Answer> PostAsync(string path, object body) => SendJsonAsync(HttpMethod.Post, path, JsonSerializer.Serialize(body));

    public Task<Answer> PutAsync(string path, object body) => SendJsonAsync(HttpMethod.Put, path, JsonSerializer.Serialize(body));

    public Task<Answer> SendJsonAsync(HttpMethod method, string path, string json)
    {
        HttpRequestMessage request = Authorized(method, path);
        request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        return SendAsync(request);
    }

    public Task<Answer> ImportAsync(params object[] rows) => ImportToAsync(Simulator.ListId, rows);

    public Task<Answer> ImportToAsync(string listId, params object[] rows) =>
        PostAsync("/v3/activities/contacts_json_import", new { import_data = rows, list_ids = new[] { listId } });

    public async Task<JsonElement> ImportAndFinishAsync(params object[] rows)
    {
        Answer answer = await ImportAsync(rows);
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Finish();
        return await ActivityAsync(answer);
    }

    public async Task<JsonElement> ActivityAsync(Answer created) =>
        (await GetAsync("/v3/activities/" + created.Json.GetProperty("activity_id").GetString())).Json;

    public HttpRequestMessage Authorized(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, Simulator.Url + path);
        if (Token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return request;
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using HttpResponseMessage response = await _http.SendAsync(request);
        string body = await response.Content.ReadAsStringAsync();
        return new Answer(response.StatusCode, body, response.Headers, response.Content.Headers.ContentType?.MediaType);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Simulator.DisposeAsync();
    }
}
