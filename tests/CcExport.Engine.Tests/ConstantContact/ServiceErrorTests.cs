using System.Text;
using CcExport.Engine.ConstantContact;

namespace CcExport.Engine.Tests.ConstantContact;

public class ServiceErrorTests
{
    [Theory]
    [InlineData("""[{"error_key":"contacts.api.validation.error","error_message":"list_ids is wrong"}]""", "contacts.api.validation.error", "list_ids is wrong")]
    [InlineData("""[{"error_key":"a.b","error_message":"One."},{"error_key":"c.d","error_message":"Two."}]""", "a.b", "One. Two.")]
    [InlineData("""{"error_key":"unauthorized","error_message":"Unauthorized"}""", "unauthorized", "Unauthorized")]
    [InlineData("""{"error_key":"throttled","error_message":"Too Many Requests"}""" + "\n", "throttled", "Too Many Requests")]
    [InlineData("""{"message":"Forbidden"}""", null, "Forbidden")]
    [InlineData("""{"error":"invalid_grant","error_description":"Too old"}""", "invalid_grant", "Too old")]
    [InlineData("""{"error_key":null,"error_message":null}""", null, null)]
    [InlineData("""{"error_key":5,"error_message":["x"]}""", null, null)]
    [InlineData("""{"error":"not a key, but a sentence"}""", null, null)]
    [InlineData("[]", null, null)]
    [InlineData("[1,null,\"x\"]", null, null)]
    [InlineData("\"words\"", null, null)]
    [InlineData("<html><body>502 Bad Gateway</body></html>", null, null)]
    [InlineData("{\"error_key\":\"cut", null, null)]
    [InlineData("", null, null)]
    public void Reads_every_shape(string body, string? key, string? words)
    {
        var error = ServiceError.Parse(Encoding.UTF8.GetBytes(body));
        Assert.Equal(key, error.Key);
        Assert.Equal(words, error.Words);
    }

    [Fact]
    public void Does_not_read_a_page_of_a_megabyte()
        => Assert.Null(ServiceError.Parse(Encoding.UTF8.GetBytes($$"""{"message":"{{new string('x', 1_000_000)}}"}""")).Words);
}

public class SafeTextTests
{
    [Theory]
    [InlineData("Email jane.doe+x@example.com is bad", "Email <address> is bad")]
    [InlineData("<jane@example.com>, joe@example.org.", "<<address>>, <address>")]
    [InlineData("jane%40example.com", "<address>")]
    [InlineData("zoë@münchen.example is bad", "<address> is bad")]
    [InlineData("Bearer abc.def is old", "Bearer <token> is old")]
    [InlineData("token eyJhbGciOiJSUzI1NiJ9.access01.c2ln here", "token <token> here")]
    [InlineData("refresh Rf01xQ7mZ4kT9vB2nH6wL1sD8pJ3yC5gA0eU7rM4t.", "refresh <token>")]
    [InlineData("list 7d2c4e90-51b8-11f0-8e21-0e6f3a9c5d10 is gone", "list 7d2c4e90-51b8-11f0-8e21-0e6f3a9c5d10 is gone")]
    [InlineData("include_membership_count does not have a valid value", "include_membership_count does not have a valid value")]
    [InlineData("two\r\nlines\u001b[31m red", "two lines [31m red")]
    [InlineData("   ", null)]
    [InlineData(null, null)]
    public void Leaves_nothing_that_must_not_be_shown(string? text, string? expected) => Assert.Equal(expected, SafeText.Clean(text));

    [Fact]
    public void Cuts_what_is_long() => Assert.Equal(300, SafeText.Clean(string.Concat(Enumerable.Repeat("word ", 1000)))!.Length);
}
