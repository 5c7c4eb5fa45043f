using CcExport.Model;
using Xunit.Abstractions;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Random histories of an account against a model of what its lists must be; <c>build.ps1 model</c> plays ten thousand.</summary>
public sealed class ModelTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Random_histories_leave_each_list_as_the_model_has_it()
    {
        using var text = new StringWriter();
        Tally tally = await ModelCommand.RunAsync(new ModelOptions(Runs: 300, Seed: 7), TextWriter.Synchronized(text));
        output.WriteLine(text.ToString());
        Assert.True(tally is { Histories: 300, Divergences: 0, LeaversPutBack: 0, ForeignMembersRemoved: 0 }, text.ToString());
        // A history that never looks at a list, or takes nobody off, would agree with any model.
        Assert.All(["by a contact export", "by its pages", "nothing of ours was ever there", "taken off Pages", "taken off through a list"], way => Assert.True(tally.Looks(way) > 0, way));
        Assert.True(tally is { TakenOff: > 0, TakenOver: > 0, PlansRun: > 0, PlansRefused: > 0, RunsUndone: > 0 }, text.ToString());
    }
}
