using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>First lines that are no header: whoever stands there is nobody's message.</summary>
public sealed class ColumnsTests
{
    [Theory]
    [InlineData("a@b.example,Name", true)]
    [InlineData("Name,a@b.example", true)]
    [InlineData("17,Name,EMail", true)]
    [InlineData("Name,+385 1 234,EMail", true)]
    [InlineData("Anna,Kovalenko,+380501234567", true)]
    [InlineData(",EMail,Name", false)]
    [InlineData("#,EMail,Name", false)]
    [InlineData("a,b,", false)]
    [InlineData("Name,2024", false)]
    [InlineData("Id,EMail", false)]
    [InlineData("Имя,Größe,名前", false)]
    public void An_address_a_number_or_nothing_is_no_name(string names, bool data) => Assert.Equal(data, Columns.LookLikeData(names.Split(',')));

    [Fact]
    public async Task A_first_line_without_an_address_is_not_repeated_either()
    {
        var reader = new CsvReader(new MemoryStream("17;;Ana;+385\n18;;Ben;+49\n"u8.ToArray()), new CsvFormat(), "file");
        IReadOnlyList<string> header = await reader.ReadHeaderAsync(default);
        CcException e = Readers.Is("ColumnNotFound", Assert.Throws<CcException>(() => Columns.Find(["An"], header, "file")));
        foreach (string value in new[] { "17", "Ana", "385" }) Assert.DoesNotContain(value, $"{e.Message} {e.Remedy}", StringComparison.Ordinal);
        Assert.Contains("-Header", e.Remedy, StringComparison.Ordinal);
    }
}
