using System.Text;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Tests.Mapping;

public sealed class RoleAddressesTests
{
    private static bool Has(string address)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(address), lower = new byte[Limits.Email];
        Assert.True(EmailRules.IsPlain(bytes, lower, out int local));
        bool fast = RoleAddresses.Has(lower.AsSpan(0, bytes.Length), local, RoleAddresses.Masks);
        Assert.Equal(RoleAddresses.Has(lower.AsSpan(0, bytes.Length), 0, RoleAddresses.Masks), fast);
        return fast;
    }

    [Fact]
    public void Every_one_of_the_list_in_any_case_and_before_a_plus_sign()
    {
        foreach (string part in RoleAddresses.LocalParts)
        {
            Assert.Equal(part, part.ToLowerInvariant());
            Assert.True(Has($"{part}@example.com"), part);
            Assert.True(Has($"{part.ToUpperInvariant()}@example.com"), part);
            Assert.True(Has($"{part}+{new string('x', 30)}@example.com"), part);
            Assert.False(Has($"{part}x@example.com"), part);
            Assert.False(Has($"x{part}@example.com"), part);
            Assert.False(Has($"{part}.x@example.com"), part);
        }
    }

    [Theory]
    [InlineData("info")]
    [InlineData("sales")]
    [InlineData("admin")]
    [InlineData("support")]
    [InlineData("office")]
    [InlineData("contact")]
    [InlineData("hello")]
    [InlineData("help")]
    [InlineData("webmaster")]
    [InlineData("postmaster")]
    [InlineData("hostmaster")]
    [InlineData("abuse")]
    [InlineData("noreply")]
    [InlineData("no-reply")]
    [InlineData("marketing")]
    [InlineData("billing")]
    [InlineData("team")]
    [InlineData("jobs")]
    [InlineData("hr")]
    [InlineData("press")]
    [InlineData("privacy")]
    [InlineData("security")]
    [InlineData("newsletter")]
    public void The_well_known_ones(string part) => Assert.Contains(part, (IEnumerable<string>)RoleAddresses.LocalParts);

    [Theory]
    [InlineData("ann@example.com")]
    [InlineData("a@info.example")]
    [InlineData("+info@example.com")]
    [InlineData("information.desk@example.com")]
    [InlineData("ann+info@example.com")]
    public void Not_a_role(string address) => Assert.False(Has(address));
}
