using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Tests.Exports;

public sealed class SpoolLeftoversTests
{
    [Fact]
    public async Task A_closed_runs_spool_that_a_dead_process_left_goes_with_the_next_export()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", "EMail,FirstName,LastName\nada@example.com,Ada,L\n");
        Run run = await test.RunFileAsync(path);
        string left = Leave(test, run.Id), unknown = Leave(test, 777), other = Path.Combine(test.Home.SpoolFolder, "notes");
        Directory.CreateDirectory(other);
        Assert.Equal(RunStatus.Completed, (await test.RunFileAsync(path)).Status);
        Assert.Equal((false, true, true), (Directory.Exists(left), Directory.Exists(unknown), Directory.Exists(other)));
    }

    private static string Leave(TestEngine test, long run)
    {
        string folder = Spool.FolderOf(test.Home.SpoolFolder, run);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "00001.batch"), "noise");
        return folder;
    }
}
