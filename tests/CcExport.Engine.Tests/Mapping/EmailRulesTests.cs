using System.Text;
using CcExport.Engine.Mapping;
using CsCheck;

namespace CcExport.Engine.Tests.Mapping;

public sealed class EmailRulesTests
{
    private static EmailVerdict Judge(string address, out string? ascii)
    {
        EmailVerdict verdict = EmailRules.Judge(Encoding.UTF8.GetBytes(address), out byte[]? bytes);
        ascii = bytes is null ? null : Encoding.ASCII.GetString(bytes);
        return verdict;
    }

    [Theory]
    [InlineData("a@b.co")]
    [InlineData("first.last+tag@sub.example.museum")]
    [InlineData("O'Neil!#$%&*/=?^_`{|}~-@example.com")]
    [InlineData("a@xn--bcher-kva.example")]
    [InlineData("1@2.de")]
    [InlineData("UPPER@EXAMPLE.COM")]
    public void Good(string address) => Assert.Equal((EmailVerdict.Good, null), (Judge(address, out string? ascii), ascii));

    [Theory]
    [InlineData("", nameof(EmailVerdict.Missing))]
    [InlineData("ann", nameof(EmailVerdict.Malformed))]
    [InlineData("@example.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@localhost", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@@example.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@exa@mple.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann lee@example.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann,lee@example.com", nameof(EmailVerdict.Malformed))]
    [InlineData("<ann@example.com>", nameof(EmailVerdict.Malformed))]
    [InlineData("\"ann\"@example.com", nameof(EmailVerdict.Malformed))]
    [InlineData(".ann@example.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann.@example.com", nameof(EmailVerdict.Malformed))]
    [InlineData("an..n@example.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@example..com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@.example.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@example.com.", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@-example.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@example-.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@exam_ple.com", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@10.0.0.1", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@example.c", nameof(EmailVerdict.Malformed))]
    [InlineData("ann@[10.0.0.1]", nameof(EmailVerdict.Malformed))]
    [InlineData("andrés18@adventure-works.com", nameof(EmailVerdict.NotAscii))]
    [InlineData("анна@bücher.example", nameof(EmailVerdict.NotAscii))]
    [InlineData("ann\u200B@example.com", nameof(EmailVerdict.NotAscii))]
    public void Not_good(string address, string verdict) => Assert.Equal(verdict, Judge(address, out _).ToString());

    [Theory]
    [InlineData(64, 80, nameof(EmailVerdict.Good))]
    [InlineData(65, 80, nameof(EmailVerdict.TooLong))]
    [InlineData(10, 80, nameof(EmailVerdict.Good))]
    [InlineData(10, 81, nameof(EmailVerdict.TooLong))]
    public void Lengths(int local, int total, string verdict)
    {
        string domain = string.Concat(Enumerable.Repeat("abcdefghi.", 10))[..(total - local - 4)].TrimEnd('.');
        string address = new string('x', local) + "@" + domain.PadRight(total - local - 4, 'y') + ".de";
        Assert.Equal(total, address.Length);
        Assert.Equal(verdict, Judge(address, out _).ToString());
    }

    [Theory]
    [InlineData("flo@bücher.example", "flo@xn--bcher-kva.example")]
    [InlineData("flo@BÜCHER.example", "flo@xn--bcher-kva.example")]
    [InlineData("flo@пример.укр", "flo@xn--e1afmkfd.xn--j1amh")]
    public void An_international_domain_is_sent_in_its_ascii_form(string address, string expected)
        => Assert.Equal((EmailVerdict.Good, expected), (Judge(address, out string? ascii), ascii));

    /// <summary>The one-pass test and the rules in full are two texts of one rule: they may never disagree.</summary>
    [Fact]
    public void The_fast_path_says_good_exactly_when_the_rules_do()
    {
        Gen<string> piece = Gen.OneOf(
            Gen.String[Gen.Char["abzAZ019.-+_@ ,'\"<é"], 0, 8],
            Pick.From("a", "ann.lee", "example.com", "example", ".com", ".de", "@", "@example.com", "..", "-", "@x.", "1.2"));
        Gen<string> address = piece.List[1, 5].Select(string.Concat);
        address.Sample(text =>
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            byte[] lower = new byte[80];
            bool plain = EmailRules.IsPlain(bytes, lower, out int local);
            bool good = EmailRules.Judge(bytes, out byte[]? ascii) == EmailVerdict.Good && ascii is null;
            Assert.Equal(good, plain);
            if (!plain) return;
            Assert.Equal(text.ToLowerInvariant(), Encoding.ASCII.GetString(lower, 0, bytes.Length));
            string part = text[..text.IndexOf('@', StringComparison.Ordinal)];
            Assert.Equal(part.Contains('+', StringComparison.Ordinal) ? 0 : part.Length, local);
        }, iter: 200_000, seed: "0N0XIzNsQ0O2");
    }
}
