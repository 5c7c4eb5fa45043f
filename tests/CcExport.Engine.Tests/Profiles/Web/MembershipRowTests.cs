using System.Text;
using CcExport.Engine.Profiles.Dataverse;

namespace CcExport.Engine.Tests.Profiles.Web;

/// <summary>The list of segments as it stands in a row: a text with escapes of its own, or the object itself.</summary>
public sealed class MembershipRowTests
{
    private static string Plain(string written) => Encoding.UTF8.GetString(MembershipRow.Unescape(Encoding.UTF8.GetBytes(written), "org"));

    private static string Found(string written, params string[] names)
    {
        byte[][] texts = [.. names.Select(name => Encoding.UTF8.GetBytes(name))];
        int[] found = MembershipRow.Find(MembershipRow.Unescape(Encoding.UTF8.GetBytes(written), "org"), texts, "org");
        return string.Join('|', found.Select(i => names[i]));
    }

    [Theory]
    [InlineData("""{\"Segments\":[\"A\"]}""", """{"Segments":["A"]}""")]
    [InlineData("""{\"Segments\":[\"S\u00f6hne\",\"\\u0041\",\"a\\\\b\",\"say \\\"x\\\"\"]}""", """{"Segments":["Söhne","\u0041","a\\b","say \"x\""]}""")]
    [InlineData("""[\"A\/B\"]""", """["A/B"]""")]
    [InlineData("""\n {\"Segments\":[]}""", "\n {\"Segments\":[]}")]
    public void A_text_loses_the_escapes_of_its_row(string written, string plain) => Assert.Equal(plain, Plain(written));

    [Theory]
    [InlineData("""{"Segments":["A\"B"]}""")]
    [InlineData("""{ "Segments":["\u0041"]}""")]
    [InlineData("""["A\\B"]""")]
    [InlineData("""{"Segments":["A"]}""")]
    [InlineData("")]
    public void An_object_itself_keeps_the_escapes_of_its_names(string written) => Assert.Equal(written, Plain(written));

    [Fact]
    public void Names_are_found_in_either()
    {
        Assert.Equal("A\"B|Söhne|C", Found("""{\"Segments\":[\"A\\\"B\",\"S\u00f6hne\",\"\\u0043\"]}""", "A", "A\"B", "Söhne", "C"));
        Assert.Equal("A\"B|Söhne|C", Found("""{"Segments":["A\"B","S\u00f6hne","\u0043"]}""", "A", "A\"B", "Söhne", "C"));
    }

    [Fact]
    public void Half_of_a_surrogate_pair_is_no_text()
        => Readers.Is("MembershipUnreadable", Assert.Throws<CcException>(() => Plain("""{\"Segments\":[\"\ud83d\"]}""")));
}
