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
        Assert.Equal(1, TraceFile.Erase(temp.Home, 7, TracePart.Sent, key => key, key => key, 1));
        Assert.Equal((0, people > 1 ? 1 : 0), (Found(1), Found(2)));
        Assert.Equal(0, TraceFile.Erase(temp.Home, 7, TracePart.Sent, key => key, key => key, 1));
    }
}
