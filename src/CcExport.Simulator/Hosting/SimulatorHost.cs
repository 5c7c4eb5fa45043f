using CcExport.Simulator.Admin;
using CcExport.Simulator.Api;
using CcExport.Simulator.Entra;
using CcExport.Simulator.Faults;
using CcExport.Simulator.Insights;
using CcExport.Simulator.Page;
using CcExport.Simulator.SignIn;
using Microsoft.AspNetCore.Connections;
using Microsoft.Net.Http.Headers;

namespace CcExport.Simulator;

/// <summary>Starts simulators, in the own process or in that of a test.</summary>
public static class SimulatorHost
{
    private const long MaxBody = 128_000_000;

    /// <summary>Starts one that listens when the task ends.</summary>
    /// <param name="options">What is different from the defaults.</param>
    /// <param name="time">The clock of everything: limits, tokens, jobs. The machine's when not given.</param>
    public static async Task<RunningSimulator> StartAsync(SimulatorOptions? options = null, TimeProvider? time = null)
    {
        options ??= new SimulatorOptions();
        var simulation = new Simulation(options, time ?? TimeProvider.System);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            // A settings file or a folder of whoever starts us has no say here.
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(options.Urls, "https://127.0.0.1:0");
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBody;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = LoopbackCertificate.Value);
        });

        // Imports are long: a wait before each piece of 4 KB would double their system calls.
        builder.WebHost.UseSockets(sockets => sockets.WaitForDataBeforeAllocatingBuffer = false);
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, LargeBlocks>();
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        WebApplication app = builder.Build();
        app.Use(next => context =>
        {
            // The server's own is of the last second of the real time, also where the simulated one was moved on. At the last moment, for a planned fault clears the answer.
            context.Response.OnStarting(() =>
            {
                context.Response.Headers.Date = HeaderUtilities.FormatDate(simulation.Clock.Now);
                return Task.CompletedTask;
            });
            return ReportOwnFaults(context, next);
        });
        app.UseRouting();
        app.Use(next => context => FaultMiddleware.Run(context, next, simulation));
        app.Use(next => context => context.Request.Path.StartsWithSegments("/v3") ? ApiMiddleware.Run(context, next, simulation) : next(context));
        app.Use(next => context => context.GetEndpoint() is null
            ? Reply.Error(context, simulation, new ApiException(403, "", "Forbidden") { Form = BodyForm.Gateway })
            : next(context));
        ImportEndpoint.Map(app, simulation);
        ActivityEndpoints.Map(app, simulation);
        ListEndpoints.Map(app, simulation);
        AccountEndpoints.Map(app, simulation);
        ContactEndpoints.Map(app, simulation);
        JobEndpoints.Map(app, simulation);
        ContactFile.Map(app, simulation);
        TokenEndpoint.Map(app, simulation);
        ConsentPages.Map(app, simulation);
        EntraEndpoints.Map(app, simulation.Entra);
        EntraPages.Map(app, simulation.Entra);
        ManagedIdentityEndpoints.Map(app, simulation.Entra);
        AdminEndpoints.Map(app, simulation);
        DataverseEndpoints.Map(app, simulation.Insights);
        InsightsEndpoints.Map(app, simulation.Insights);
        StatePage.Map(app, options);
        var timer = new JobTimer(simulation);
        await app.StartAsync();
        return new RunningSimulator(app, simulation, timer);
    }

    /// <summary>A mistake of the simulator must not look like one of the service.</summary>
    private static async Task ReportOwnFaults(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (Exception e) when (!context.RequestAborted.IsCancellationRequested && e is not BadHttpRequestException)
        {
            await Console.Error.WriteLineAsync($"Simulator fault in {context.Request.Method} {context.Request.Path}: {e}");
            throw;
        }
    }

    /// <summary>Neither Ctrl+C nor a signal ends the host: that is the starter's decision.</summary>
    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
