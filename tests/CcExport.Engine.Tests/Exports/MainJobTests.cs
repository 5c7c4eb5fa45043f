using CcExport.Engine.Exports;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Exports;

/// <summary>The main job, end to end over real HTTP: a file on a list, with numbers that add up.</summary>
public sealed class MainJobTests
{
    private const string People = """
        CustomerId,FirstName,LastName,EMail
        1,Ann,Lee,ann@example.com
        2,Bob,"O""Neil, Jr",bob@example.com
        3,Cy,Day,
        4,Di,Fox,not an address
        5,Ed,Gray,ANN@example.com
        6,Flo,Hart,flo@bücher.example

        """;

    [Fact]
    public async Task A_file_lands_on_the_list_and_every_profile_has_one_fate()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run run = await test.RunFileAsync(test.File("people.csv", People));

        Assert.Equal(RunStatus.Completed, run.Status);
        Assert.Equal((6, 2, 1, 3, 3, 0, 0, 0), (run.Read, run.Invalid, run.Duplicate, run.Sent, run.Accepted, run.OptedOut, run.Refused, run.Unaccounted));
        Assert.Equal(1, run.Batches);
        Assert.Equal(
            [(3L, "3", "EmailMissing"), (4L, "4", "EmailMalformed"), (5L, "5", "Duplicate")],
            (await test.RejectionsAsync(run.Id)).Select(r => (r.Row, r.SourceKey!, r.Reason)));
    }
}
