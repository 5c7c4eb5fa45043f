using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.ConstantContact.Tokens;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.ConstantContact;

/// <summary>A server that repeats everything it was told can't make us show it.</summary>
public class NothingSecretTests
{
    private static readonly string[] Secrets = [Wired.AccessToken(1), Wired.AccessToken(2), Wired.RefreshToken(1), Wired.RefreshToken(2), "s3cret-s3cret-s3cret", "jane@example.com"];

    private static string Echo(Request request) => $"{request.Header("Authorization")} {string.Join(' ', Secrets)} {request.Text.Replace('"', ' ')}";

    public static TheoryData<int, string> Answers()
    {
        var answers = new TheoryData<int, string>();
        foreach (int status in new[] { 200, 201, 302, 400, 401, 402, 403, 404, 409, 422, 429, 500, 503 })
        {
            foreach (string form in new[] { """[{"error_key":"a.b","error_message":"ECHO"}]""", """{"error":"invalid_client","error_description":"ECHO"}""", """{"message":"ECHO"}""", "<html>ECHO</html>", """{"error_key":"ECHO"}""", $$"""{"error":"{{Wired.RefreshToken(1)}}"}""" })
                answers.Add(status, form);
        }
        return answers;
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Shows_in_a_failure_of_the_api(int status, string form)
    {
        await using var wired = new Wired(options: new WireOptions { Tries = 2 });
        foreach (string route in new[] { Wired.Import, Wired.Lists, Wired.Privileges })
            wired.Server.Always(route, request => new Reply(status, form.Replace("ECHO", Echo(request), StringComparison.Ordinal)) { Headers = [("x-amzn-RequestId", Wired.AccessToken(1))] });
        await Nothing(async () => await wired.Client().ImportAsync("""{"email":"jane@example.com"}"""u8.ToArray(), CancellationToken.None));
        await Nothing(async () => await wired.Client().GetListsAsync(CancellationToken.None));
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Shows_in_a_failure_to_sign_in(int status, string form)
    {
        await using var wired = new Wired(options: new WireOptions { Tries = 2 }, clientSecret: "s3cret-s3cret-s3cret", life: TimeSpan.Zero);
        wired.Server.Always(Wired.Token, request => new Reply(status, form.Replace("ECHO", Echo(request), StringComparison.Ordinal)));
        await Nothing(async () => await wired.Tokens().GetAsync(CancellationToken.None));
    }

    [Fact]
    public void Shows_when_something_is_written_out()
    {
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        var result = new SignInResult(Secrets[0], Secrets[2], now, now, "contact_data");
        object[] all =
        [
            result, new AccessToken(Secrets[0], now, now), ConnectionSecrets.From(result, Secrets[4]),
            new TokenReply { Outcome = TokenOutcome.Issued, AccessToken = Secrets[0], RefreshToken = Secrets[2] },
            RedirectAnswer.From($"?code={Secrets[2]}&state=s", "s")!,
        ];
        foreach (object one in all) Assert.DoesNotContain(Secrets, secret => $"{one}".Contains(secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Lies_readable_in_the_store()
    {
        await using var wired = new Wired();
        Assert.DoesNotContain(Wired.RefreshToken(1), System.Text.Encoding.Latin1.GetString(wired.Record.Secrets), StringComparison.Ordinal);
        Assert.Equal("SecretUnreadable", Assert.Throws<CcException>(() => ConnectionSecrets.Unprotect(wired.Box, Guid.NewGuid(), wired.Record.Secrets)).ErrorId);
    }

    private static async Task Nothing(Func<Task> call)
    {
        Exception? failure = await Record.ExceptionAsync(call);
        if (failure is null) return;
        Assert.True(failure is CcException or InDoubtException, failure.ToString());
        string shown = failure + (failure as CcException)?.Remedy;
        foreach (string secret in Secrets) Assert.DoesNotContain(secret, shown, StringComparison.Ordinal);
    }
}
