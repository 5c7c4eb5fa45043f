using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace CcExport.Simulator.Tests;

public sealed class ProcessTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_process_says_one_line_serves_and_ends_with_its_stdin()
    {
        using Process process = Start("--urls", "http://127.0.0.1:0", "--seed", "3", "--rotating", "false", "--page-title", "Demo");
        JsonElement ready = JsonDocument.Parse((await process.StandardOutput.ReadLineAsync().WaitAsync(Patience))!).RootElement;
        string url = ready.GetProperty("url").GetString()!;
        Assert.Equal(process.Id, ready.GetProperty("pid").GetInt32());
        Assert.Equal(url + "/v3", ready.GetProperty("apiEndpoint").GetString());
        Assert.Equal(url + "/oauth2/default/v1", ready.GetProperty("authorizationEndpoint").GetString());
        Assert.Equal("Newsletter", ready.GetProperty("listName").GetString());
        Assert.True(Guid.TryParse(ready.GetProperty("listId").GetString(), out _));
        using var http = new HttpClient();
        HttpResponseMessage reply = await http.PostAsync(ready.GetProperty("authorizationEndpoint").GetString() + "/token", new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["grant_type"] = "refresh_token",
                ["refresh_token"] = ready.GetProperty("refreshToken").GetString()!,
                ["client_id"] = ready.GetProperty("clientId").GetString()!,
            }));
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Contains("Demo", await http.GetStringAsync(url + "/"), StringComparison.Ordinal);

        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(0, process.ExitCode);
        Assert.Equal("", await process.StandardOutput.ReadToEndAsync());
        Assert.Equal("", await process.StandardError.ReadToEndAsync());
    }

    [Fact]
    public async Task Ctrl_C_in_the_terminal_does_not_end_it()
    {
        if (OperatingSystem.IsWindows()) return;
        using Process process = Start();
        JsonElement ready = JsonDocument.Parse((await process.StandardOutput.ReadLineAsync().WaitAsync(Patience))!).RootElement;
        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString()])) await kill.WaitForExitAsync().WaitAsync(Patience);
        using var http = new HttpClient();
        for (int i = 0; i < 5; i++)
        {
            await Task.Delay(50);
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(ready.GetProperty("url").GetString() + "/admin/stats")).StatusCode);
        }

        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(0, process.ExitCode);
    }

    [Theory]
    [InlineData("--nope", "1")]
    [InlineData("--seed", "one")]
    [InlineData("--seed")]
    public async Task A_wrong_option_is_told_and_nothing_starts(params string[] options)
    {
        using Process process = Start(options);
        await process.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(2, process.ExitCode);
        Assert.NotEmpty(await process.StandardError.ReadToEndAsync());
        Assert.Empty(await process.StandardOutput.ReadToEndAsync());
    }

    private static Process Start(params string[] options)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(dotnet, [typeof(SimulatorHost).Assembly.Location, .. options])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
