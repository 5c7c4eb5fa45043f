using System.Globalization;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Engine.Tests.Exports;

/// <summary>What the tests of a service in trouble have in common: people, faults, and the id of a failure.</summary>
internal static class Trouble
{
    public const string Import = "contacts_json_import";

    public static string People(int count)
    {
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        for (int i = 1; i <= count; i++) text.Append(CultureInfo.InvariantCulture, $"K{i},First{i},Last{i},person{i}@example.com\n");
        return text.ToString();
    }

    public static FaultRule Fault(FaultKind kind, int nth = 1, int? count = null, string path = Import, int? status = null, string? body = null)
        => new() { Match = new FaultMatch { Path = path, Nth = nth, Count = count }, Effect = new FaultEffect { Kind = kind, Status = status, Body = body } };

    public static FaultRule DayEnded { get; } = Fault(FaultKind.Status, count: 1000, status: 429, body: """{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}""");

    public static async Task<string> Fails(Func<Task> act) => (await Assert.ThrowsAsync<CcException>(act)).ErrorId;

    public static Task DefineAsync(TestEngine test, int people, int batch = 50)
        => test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("p.csv", People(people)), BatchSize = batch }, default);

    public static Task<Run> InvokeAsync(TestEngine test, Func<RunRequest, RunRequest>? change = null, CancellationToken ct = default)
    {
        var request = new RunRequest { ExportName = "E" };
        return test.Engine.InvokeAsync(change?.Invoke(request) ?? request, test.Watcher, ct);
    }

    public static Task<Run> ResumeAsync(TestEngine test, long id, bool sendInDoubt = false, bool verify = false)
        => test.Engine.ResumeAsync(new ResumeRequest { RunId = id, SendInDoubt = sendInDoubt, Verify = verify }, test.Watcher, default);

    /// <summary>A run that stands still, sealed, with nothing sent.</summary>
    public static async Task<Run> ParkedAsync(TestEngine test, int people = 90)
    {
        await DefineAsync(test, people);
        test.Simulator.State.AddFault(DayEnded);
        Run run = await InvokeAsync(test);
        Assert.Equal(RunStatus.WaitingForQuota, run.Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        return run;
    }

    /// <summary>What the service said of the day is forgotten, as at 00:00 UTC.</summary>
    public static async Task NextDayAsync(TestEngine test)
    {
        await using var store = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={test.Home.StoreFile};Pooling=False");
        await store.OpenAsync();
        await using var command = store.CreateCommand();
        command.CommandText = "DELETE FROM CallDays";
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<(RunStatus, long)> Numbers(Task<Run> run) => ((await run).Status, (await run).Accepted);
}
