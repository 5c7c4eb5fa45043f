using System.Globalization;
using System.Text;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Tests.Profiles.Web;

public sealed class IdTableTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(60)]
    public void Ids_and_marks_are_kept_while_it_grows(int marks)
    {
        var random = new Random(marks);
        var expected = new Dictionary<string, HashSet<int>>();
        using var table = new IdTable(marks);
        for (int i = 0; i < 60_000; i++)
        {
            // Ids that count up, ids at random, and the id that looks like an empty place.
            string id = (i % 3) switch { 0 => ((UInt128)(i / 2)).ToString("x32", CultureInfo.InvariantCulture), 1 => $"K{random.Next(20_000)}", _ => ((UInt128)random.NextInt64() << 64 | (ulong)random.Next(9)).ToString("X32", CultureInfo.InvariantCulture) };
            int mark = random.Next(marks);
            if (!expected.TryGetValue(id, out HashSet<int>? has)) expected[id] = has = [];
            Assert.Equal(has.Add(mark), table.Mark(Of(id), mark));
        }
        Assert.Equal(expected.Count, table.Count);
        foreach ((string id, HashSet<int> has) in expected)
        {
            Span<byte> found = table.MarksOf(Of(id));
            for (int mark = 0; mark < marks; mark++) Assert.Equal(has.Contains(mark), IdTable.Has(found, mark));
            Assert.True(table.MarksOf(Of(id + "?")).IsEmpty);
        }
    }

    [Fact]
    public void Digits_are_the_same_in_either_case_and_other_texts_are_not()
    {
        Assert.Equal(Of("00000000000000000000000000000ABC"), Of("00000000000000000000000000000abc"));
        Assert.NotEqual(Of("K1"), Of("k1"));
        Assert.NotEqual(Of("0"), Of("00000000000000000000000000000000"));
    }

    private static UInt128 Of(string id) => IdTable.Of(Encoding.UTF8.GetBytes(id));
}
