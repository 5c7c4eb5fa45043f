using CcExport.Engine.ConstantContact;

namespace CcExport.Engine.Tests.ConstantContact;

public class EndpointsTests
{
    [Fact]
    public void Are_the_vendors_by_default()
    {
        var endpoints = Endpoints.Validate((string?)null, null);
        Assert.Equal("https://api.cc.email/v3", endpoints.Api.AbsoluteUri);
        Assert.Equal("https://authz.constantcontact.com/oauth2/default/v1/token", Endpoints.Below(endpoints.Authorization, "token").AbsoluteUri);
    }

    [Theory]
    [InlineData("https://cc.example/v3/", "https://cc.example/v3")]
    [InlineData("http://127.0.0.1:8080/v3", "http://127.0.0.1:8080/v3")]
    [InlineData("http://localhost:8080/v3//", "http://localhost:8080/v3")]
    [InlineData("http://[::1]:8080/v3", "http://[::1]:8080/v3")]
    public void Take_https_and_this_machine(string given, string expected) => Assert.Equal(expected, Endpoints.Validate(given, null).Api.AbsoluteUri);

    [Theory]
    [InlineData("http://cc.example/v3", "EndpointNotSecure")]
    [InlineData("http://127.0.0.1.cc.example/v3", "EndpointNotSecure")]
    [InlineData("http://10.0.0.1/v3", "EndpointNotSecure")]
    [InlineData("ftp://cc.example/v3", "EndpointNotSecure")]
    [InlineData("/v3", "EndpointInvalid")]
    [InlineData("file:///v3", "EndpointInvalid")]
    [InlineData("cc.example/v3", "EndpointInvalid")]
    [InlineData("https://user:secret@cc.example/v3", "EndpointInvalid")]
    [InlineData("https://cc.example/v3?x=1", "EndpointInvalid")]
    [InlineData("", "EndpointInvalid")]
    public void Refuse_the_rest(string given, string id)
    {
        foreach (Action ask in new[] { () => { Endpoints.Validate(given, null); }, () => { Endpoints.Validate(null, given); } })
        {
            CcException refused = Assert.Throws<CcException>(ask);
            Assert.Equal((id, CcErrorKind.InvalidArgument), (refused.ErrorId, refused.Kind));
            Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
        }
    }
}
