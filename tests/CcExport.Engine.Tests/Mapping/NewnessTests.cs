using System.Text;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Tests.Mapping;

public sealed class NewnessTests
{
    private static Int128 Of(string text) => Newness.Of(Encoding.UTF8.GetBytes(text));

    [Theory]
    [InlineData("2024-05-01", "2024-05-02")]
    [InlineData("2024-05-01T10:00:00Z", "2024-05-01T10:00:00.0000001Z")]
    [InlineData("2024-05-01T10:00:00+02:00", "2024-05-01T08:00:01")]
    [InlineData("2024-05-01 23:59", "05/02/2024")]
    [InlineData("0001-01-01", "9999-12-31")]
    [InlineData("9", "10")]
    [InlineData("-10", "-9")]
    [InlineData("-0.5", "0")]
    [InlineData("1.4", "1.45")]
    [InlineData("1.", "1.000000001")]
    [InlineData("20240501102233444", "20240501102233445")]
    [InlineData("9999999999999999999999999998", "9999999999999999999999999999")]
    [InlineData(".5", "+0.6")]
    public void The_second_is_newer(string earlier, string later)
    {
        Assert.NotEqual(Newness.None, Of(earlier));
        Assert.True(Newness.Beats(Of(later), Of(earlier)));
        Assert.False(Newness.Beats(Of(earlier), Of(later)));
        Assert.False(Newness.Beats(Of(later), Of(later)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("10:30")]
    [InlineData("10:30:15")]
    [InlineData("12,5")]
    [InlineData("1,234")]
    [InlineData("1e5")]
    [InlineData(".")]
    [InlineData("-")]
    [InlineData("+.")]
    [InlineData("0x10")]
    [InlineData("2024-02-30")]
    [InlineData("10000000000000000000000000000")]
    [InlineData("٢٠٢٤")]
    public void Says_nothing_and_takes_no_place(string text)
    {
        Assert.Equal(Newness.None, Of(text));
        Assert.False(Newness.Beats(Of(text), Of("1")));
        Assert.False(Newness.Beats(Of(text), Newness.None));
        Assert.True(Newness.Beats(Of("-1"), Of(text)));
        Assert.True(Newness.Beats(Of("0001-01-01"), Of(text)));
    }

    [Fact]
    public void Longer_texts_than_any_date_say_nothing()
    {
        Assert.Equal(Newness.None, Of(new string('1', 65)));
        Assert.Equal(Newness.None, Of("2024-05-01" + new string(' ', 60)));
    }

    [Fact]
    public void A_number_and_a_date_do_not_compare()
    {
        Assert.False(Newness.Beats(Of("2024-05-01"), Of("5")));
        Assert.False(Newness.Beats(Of("9999999999999999999999999999"), Of("0001-01-01")));
    }
}
