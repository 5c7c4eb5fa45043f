using CcExport.Engine.Fingerprints;
using CcExport.Engine.Tests.Store;

namespace CcExport.Engine.Tests.Fingerprints;

public sealed class TraceFileTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_person_can_be_erased_who_is_alone_in_it_too(int people)
    {
        using var temp = new TempHome();
        temp.Home.EnsureCreated();
        using (var writer = new TraceWriter(temp.Home, 7, TracePart.Sent, key => key))
        {
            for (int i = 0; i < people; i++) writer.Add(new TraceRecord { Address = (UInt128)(i + 1), Row = (uint)i });
            writer.Complete();
        }
        int Found(UInt128 address)
        {
            int found = 0;
            TraceFile.Find(temp.Home, 7, TracePart.Sent, key => key, address, _ => found++);
            return found;
        }
        Assert.Equal(1, Found(1));
        Assert.Equal(1, TraceFile.Erase(temp.Home, 7, TracePart.Sent, key => key, key => key, 1, isOver: true));
        Assert.Equal((0, people > 1 ? 1 : 0), (Found(1), Found(2)));
        Assert.Equal(0, TraceFile.Erase(temp.Home, 7, TracePart.Sent, key => key, key => key, 1, isOver: true));
    }

    private static string Unfinished(TempHome temp, long run) => TraceFile.NewOf(TraceFile.PathOf(temp.Home, run, TracePart.Sent));

    [Fact]
    public void A_writer_that_does_not_come_to_its_end_leaves_nobody_behind()
    {
        using var temp = new TempHome();
        temp.Home.EnsureCreated();
        using (var writer = new TraceWriter(temp.Home, 7, TracePart.Sent, key => key))
        {
            writer.Add(new TraceRecord { Address = 1, Row = 1 });
            Assert.True(File.Exists(Unfinished(temp, 7)));
        }
        Assert.Empty(Directory.GetFiles(temp.Home.TraceFolder));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_writer_that_died_has_left_goes_with_an_erasure_whoever_is_in_it(bool besideOne)
    {
        using var temp = new TempHome();
        temp.Home.EnsureCreated();
        if (besideOne)
        {
            using var writer = new TraceWriter(temp.Home, 7, TracePart.Sent, key => key);
            writer.Add(new TraceRecord { Address = 2, Row = 1 });
            writer.Complete();
        }
        File.WriteAllText(Unfinished(temp, 7), "half of it");
        Assert.Equal(0, TraceFile.Erase(temp.Home, 7, TracePart.Sent, key => key, key => key, 1, isOver: true));
        Assert.False(File.Exists(Unfinished(temp, 7)));
        Assert.Equal(besideOne, TraceFile.Exists(temp.Home, 7, TracePart.Sent));
    }

    [Fact]
    public void A_run_of_which_only_an_unfinished_file_is_left_is_one_that_left_something()
    {
        using var temp = new TempHome();
        temp.Home.EnsureCreated();
        File.WriteAllText(Unfinished(temp, 9), "half of it");
        File.WriteAllText(TraceFile.PathOf(temp.Home, 8, TracePart.Held), "");
        Assert.Equal([8L, 9L], TraceFile.Runs(temp.Home));
        TraceFile.Delete(temp.Home, 9);
        Assert.Equal([8L], TraceFile.Runs(temp.Home));
    }
}
