using System.Text;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Tests.Mapping;

public sealed class DateRulesTests
{
    [Theory]
    [InlineData("01/31/2020", true)]
    [InlineData("1/2/2020", true)]
    [InlineData("2020/01/31", true)]
    [InlineData("2020/1/3", true)]
    [InlineData("2020-12-31", true)]
    [InlineData("2020-1-3", true)]
    [InlineData("1-2-2020", true)]
    [InlineData("1-02-2020", true)]
    [InlineData("2024-02-29", true)]
    [InlineData("2023-02-29", false)]
    [InlineData("31/01/2020", false)]
    [InlineData("2020-13-01", false)]
    [InlineData("2020-01", false)]
    [InlineData("1/2/20", false)]
    [InlineData("2020-01-01T00:00:00", false)]
    [InlineData("1/-2/2020", false)]
    [InlineData("2020/01-01", false)]
    [InlineData("", false)]
    public void Anniversary(string text, bool good) => Assert.Equal(good, DateRules.IsAnniversary(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("2", "29", true)]
    [InlineData("02", "30", false)]
    [InlineData("12", "31", true)]
    [InlineData("13", "1", false)]
    [InlineData("0", "1", false)]
    [InlineData("1", "", false)]
    [InlineData("x", "1", false)]
    [InlineData("+1", "1", false)]
    public void Birthday(string month, string day, bool good)
        => Assert.Equal(good, DateRules.IsBirthday(Encoding.UTF8.GetBytes(month), Encoding.UTF8.GetBytes(day), out _, out _));
}
