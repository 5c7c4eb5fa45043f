using System.Globalization;
using System.IO.Hashing;
using System.Text;
using CcExport.Engine.Profiles.Web;
using CsCheck;

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

    [Fact]
    public void Each_digit_counts_at_each_place_in_either_case()
    {
        for (int at = 0; at < 32; at++)
        {
            for (int digit = 0; digit < 16; digit++)
            {
                foreach (string digits in new[] { "0123456789abcdef", "0123456789ABCDEF" })
                    Assert.Equal((UInt128)digit << (4 * (31 - at)), Of(new string('0', at) + digits[digit] + new string('0', 31 - at)));
            }
        }
        Assert.Equal(Of("0123456789abcdefabcdef0123456789"), Of("0123456789aBcDeFAbCdEf0123456789"));
    }

    [Fact]
    public void Digits_are_the_number_that_they_are()
        => Gen.Select(Gen.ULong, Gen.ULong, Gen.Bool).Sample((high, low, capital) =>
        {
            string id = new UInt128(high, low).ToString(capital ? "X32" : "x32", CultureInfo.InvariantCulture);
            Assert.Equal(UInt128.Parse(id, NumberStyles.HexNumber, CultureInfo.InvariantCulture), Of(id));
        });

    [Theory]
    [InlineData('/')]
    [InlineData(':')]
    [InlineData('@')]
    [InlineData('G')]
    [InlineData('`')]
    [InlineData('g')]
    [InlineData('\u0001')]
    [InlineData('\u0010')]
    public void One_character_that_is_no_digit_makes_the_id_a_text(char other)
    {
        const string Digits = "0123456789abcdefABCDEF0123456789";
        for (int at = 0; at < Digits.Length; at++)
        {
            string id = Digits[..at] + other + Digits[(at + 1)..];
            Assert.Equal(XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(id)), Of(id));
            Assert.NotEqual(Of(Digits), Of(id));
        }
    }

    private static UInt128 Of(string id) => IdTable.Of(Encoding.UTF8.GetBytes(id));
}
