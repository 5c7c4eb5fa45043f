using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace CcExport.Simulator;

/// <summary>A simulator that listens. Disposing ends it.</summary>
public sealed class RunningSimulator : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly JobTimer _timer;

    internal RunningSimulator(WebApplication app, Simulation state, JobTimer timer)
    {
        _app = app;
        _timer = timer;
        State = state;
        ICollection<string> addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        Url = addresses.First().TrimEnd('/');
        AuthorityUrl = $"{addresses.Last().TrimEnd('/')}/{state.Entra.TenantId}";
        ListId = state.Account.Lists[0].Id;
        ListName = state.Account.Lists[0].Name;
    }

    /// <summary>Its address, without a slash at the end.</summary>
    public string Url { get; }

    /// <summary>The base of the API, <c>/v3</c> included.</summary>
    public string ApiEndpoint => Url + "/v3";

    /// <summary>The base to which <c>/authorize</c>, <c>/token</c> and <c>/device/authorize</c> are appended.</summary>
    public string AuthorizationEndpoint => Url + "/oauth2/default/v1";

    /// <summary>The application's client id.</summary>
    public string ClientId => State.Tokens.ClientId;

    /// <summary>The application's secret; calls without it are taken as those of a public client.</summary>
    public string ClientSecret => State.Tokens.ClientSecret;

    /// <summary>The refresh token that was issued last.</summary>
    public string RefreshToken
    {
        get
        {
            lock (State.Gate) return State.Tokens.CurrentRefreshToken;
        }
    }

    /// <summary>The address of the simulated Entra tenant, over https with a certificate that nobody trusts.</summary>
    public string AuthorityUrl { get; }

    /// <summary>The tenant's id.</summary>
    public string TenantId => State.Entra.TenantId;

    /// <summary>The id of an application of the tenant.</summary>
    public string EntraClientId => State.Entra.Demo.ClientId;

    /// <summary>That application's secret.</summary>
    public string EntraClientSecret => State.Entra.DemoSecret;

    /// <summary>The id of the first list.</summary>
    public string ListId { get; }

    /// <summary>The name of the first list.</summary>
    public string ListName { get; }

    /// <summary>The address of the simulated Dataverse environment.</summary>
    public string DataverseUrl => Url + Insights.DataverseEndpoints.Environment;

    /// <summary>The base of the simulated Customer Insights API, <c>/v1</c> included.</summary>
    public string InsightsUrl => Url + Insights.InsightsEndpoints.Root;

    /// <summary>The id of the simulated Customer Insights instance.</summary>
    public Guid InstanceId => State.Insights.InstanceId;

    /// <summary>The key that the simulated Customer Insights API asks for.</summary>
    public string SubscriptionKey => State.Insights.SubscriptionKey;

    /// <summary>The service from the inside.</summary>
    public Simulation State { get; }

    internal Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    internal Task StopAsync() => _app.StopAsync();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }
}
