using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Telemetry;
using CcExport.Engine.Tests.ConstantContact.Support;
using CcExport.Engine.Tests.Telemetry;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>
/// Addresses that nobody could mistake, in every place where one might slip through: none is in a file below the home, in a text that a person is shown, in the log, in a tag of a span or
/// of an instrument, or in what a webhook is sent.
/// </summary>
public sealed class CanaryTests
{
    private const string Mark = "kanarie";

    private static string Odd(string part) => $"{Mark}-{part}@voliere.example";

    [Fact]
    public async Task No_address_is_in_a_file_or_a_text()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        List<string> told = [];
        await DefineAsync(test, 0);
        using var heard = new Listening();
        await using var hook = new ScriptedServer();
        hook.Always("POST /hook", new Reply(200));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", OnFailure = hook.Origin + "/hook" }, default);
        string logged = test.File("run.jsonl", "");
        using RunLog log = RunLog.Open(logged, told.Add);
        test.Watcher.Also = new Logging(log);
        string path = (await test.Engine.GetExportsAsync(default))[0].Path!;
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        for (int i = 0; i < 150; i++) text.Append(System.Globalization.CultureInfo.InvariantCulture, $"K{i},First,Last,{Odd(i.ToString(System.Globalization.CultureInfo.InvariantCulture))}\n");
        text.Append($"B1,A,B,{Mark} broken@@voliere.example\nB2,A,B,{Odd("5")}\nB3,{Odd("name")},B,{Mark}.voliere.example\nB4,A,\"B\"{Mark},x,{Odd("row")}\n");
        await File.WriteAllTextAsync(path, text.ToString());
        await test.Engine.AddSuppressionAsync([Odd("7")], "me", null, default);
        string list = test.File("list.txt", $"{Odd("8")}\n{Mark} is none\n"), wide = test.File("wide.csv", $"{Odd("9")},A\n");
        string quoting = $$"""[{"error_key":"contacts.api.validation.error","error_message":"The row of {{Odd("1")}} is odd: '{{Odd("2")}}', \"{{Odd("3")}}\""}]""";

        // Whether it succeeds, is refused, stands still, goes on or is given up.
        test.Simulator.State.AddFault(Fault(FaultKind.Status, status: 400, body: quoting));
        await Tell(() => InvokeAsync(test, r => r with { SuppressionPath = [list] }));
        await Tell(() => InvokeAsync(test, r => r with { SuppressionPath = [wide] }));
        foreach (int status in new[] { 401, 403, 404, 409, 422, 429, 500, 503 })
        {
            test.Simulator.State.AddFault(Fault(FaultKind.Status, nth: 2, count: 1, status: status, body: quoting));
            await Tell(() => InvokeAsync(test, r => r with { Fresh = true, Verify = true }));
            test.Simulator.State.ClearFaults();
        }
        test.Simulator.State.AddFault(DayEnded);
        await Tell(() => InvokeAsync(test));
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        await Look();
        await Tell(() => test.Engine.RemoveContactDataAsync(Odd("11"), "me", test.Watcher, default));
        test.Simulator.State.PlanImports(JobOutcome.Failed);
        await Tell(() => InvokeAsync(test, r => r with { Verify = true }));

        // Looked at, asked about, removed; with a service that quotes the address in its errors.
        await Tell(async () => (await test.Engine.PreviewAsync(new RunRequest { ExportName = "E" }, null, 100, test.Watcher, default)).Warnings);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 3, path: "contacts", status: 400, body: quoting));
        await Tell(async () => (await test.Engine.TraceContactAsync(Odd("1"), null, null, default)).Accounts[0].Message);
        test.Simulator.State.ClearFaults();
        await Tell(async () => (await test.Engine.TraceContactAsync(Odd("1"), null, null, default)).Runs[0].Message);
        await Tell(() => test.Engine.TraceContactAsync(Odd("1"), "nowhere", null, default));
        await Tell(async () =>
        {
            await test.Engine.RemoveSuppressionAsync(Odd("1"), default);
            return "";
        });
        await Tell(() => test.Engine.GetSuppressionAsync($"{Mark} is none", default));
        await Tell(() => test.Engine.RemoveContactDataAsync(Odd("1"), "me", test.Watcher, default));
        await Tell(async () => (await test.Engine.GetErasuresAsync(Odd("1"), test.Watcher, default)).Select(e => string.Join(',', e.Removed)));
        await Tell(() => InvokeAsync(test));
        await Look();

        foreach (Run run in await test.Engine.GetRunsAsync(null, null, default))
        {
            told.Add($"{run.Message} {run.Next}");
            told.AddRange((await test.RejectionsAsync(run.Id)).Select(r => $"{r.SourceKey} {r.Field} {r.Message} {r.Remedy}"));
        }
        told.AddRange(test.Watcher.Warnings.Concat(test.Watcher.Details).Concat(test.Watcher.Steps.Select(s => s.Text)));
        string[] lines = await File.ReadAllLinesAsync(logged), notices = [.. hook.Requests.Select(r => r.Text)], signals = [.. heard.Texts()];
        Assert.True(lines.Length > 100 && notices.Length > 1 && signals.Length > 500, $"{lines.Length} lines, {notices.Length} notices and {signals.Length} tags are too few to prove anything.");
        told.AddRange([.. lines, .. notices, .. signals]);
        Assert.True(told.Count > 100, $"{told.Count} texts are too few to prove anything.");
        Assert.DoesNotContain(told, t => t.Contains(Mark, StringComparison.OrdinalIgnoreCase));

        // What is done, and what it says; exceptions with all that lies in them.
        async Task Tell<T>(Func<Task<T>> act)
        {
            try
            {
                T result = await act();
                if (result is string or null) told.Add($"{result}");
                else if (result is IEnumerable<string> several) told.AddRange(several);
            }
            catch (CcException e)
            {
                told.Add($"{e} {e.Message} {e.Remedy} {e.Subject}");
            }
        }

        // While a run stands still its contacts lie on the disk: encrypted.
        async Task Look()
        {
            byte[][] forms = [Encoding.UTF8.GetBytes(Mark), Encoding.Unicode.GetBytes(Mark), Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(Mark))[..8])];
            string[] files = Directory.GetFiles(test.Home.Root, "*", SearchOption.AllDirectories);
            Assert.Contains(files, f => f.Contains("traces", StringComparison.Ordinal));
            Assert.Contains(files, f => f.Contains("rejections", StringComparison.Ordinal));
            foreach (string file in files)
            {
                // Nobody else has the store open, so that the locks which closing it here drops are nobody's.
                await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                using var all = new MemoryStream();
                await stream.CopyToAsync(all);
                foreach (byte[] form in forms) Assert.True(all.ToArray().AsSpan().IndexOf(form) < 0, $"{file} holds an address.");
            }
        }
    }
}
