using System.Net;

namespace CcExport.Simulator.Tests;

public sealed class RateLimitTests
{
    private const string Cheap = "/v3/account/user/privileges";

    [Fact]
    public async Task The_fifth_call_in_a_second_is_throttled_with_a_single_object()
    {
        await using Service service = await Service.StartAsync(s => s.RateLimit = RateLimitMode.Rolling);
        for (int i = 0; i < 4; i++) Assert.Equal(HttpStatusCode.OK, (await service.GetAsync(Cheap)).Status);

        Answer fifth = await service.GetAsync(Cheap);

        Assert.Equal(HttpStatusCode.TooManyRequests, fifth.Status);
        Assert.Equal("""{"error_key":"throttled","error_message":"Too Many Requests"}""", fifth.Body);
        Assert.Null(fifth.Headers.RetryAfter);
        Assert.Equal(1, service.State.Statistics().Refused);
        Assert.Equal(5, service.State.Statistics().MaxInAnySecond);
    }

    [Fact]
    public async Task The_second_rolls_and_does_not_jump()
    {
        await using Service service = await Service.StartAsync(s => s.RateLimit = RateLimitMode.Rolling);
        await service.GetAsync(Cheap);
        service.Time.Advance(TimeSpan.FromMilliseconds(900));
        for (int i = 0; i < 3; i++) await service.GetAsync(Cheap);

        // The first place is free again a second after its use, the other three are not.
        service.Time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(HttpStatusCode.TooManyRequests, (await service.GetAsync(Cheap)).Status);
        service.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync(Cheap)).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await service.GetAsync(Cheap)).Status);
    }

    [Fact]
    public async Task A_bucket_lets_a_burst_pass_and_fills_again()
    {
        await using Service service = await Service.StartAsync(s =>
        {
            s.RateLimit = RateLimitMode.Bucket;
            s.BucketBurst = 8;
        });
        for (int i = 0; i < 8; i++) Assert.Equal(HttpStatusCode.OK, (await service.GetAsync(Cheap)).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await service.GetAsync(Cheap)).Status);
        service.Time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync(Cheap)).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await service.GetAsync(Cheap)).Status);
    }

    [Fact]
    public async Task Off_counts_but_refuses_nothing()
    {
        await using Service service = await Service.StartAsync();
        for (int i = 0; i < 12; i++) Assert.Equal(HttpStatusCode.OK, (await service.GetAsync(Cheap)).Status);
        Assert.Equal(12, service.State.Statistics().MaxInAnySecond);
        Assert.Equal(12, service.State.Statistics().ByRoute["GET " + Cheap]);
        Assert.Equal(12, service.State.Statistics().Today);
    }

    [Fact]
    public async Task The_day_ends_at_midnight_UTC()
    {
        await using Service service = await Service.StartAsync(s => s.RateLimit = RateLimitMode.Rolling);
        service.State.SetCallsToday(9_999);
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync(Cheap)).Status);

        Answer over = await service.GetAsync(Cheap);
        Assert.Equal(HttpStatusCode.TooManyRequests, over.Status);
        Assert.Equal("""{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}""", over.Body);

        service.Time.Advance(Service.Start.Date.AddDays(1) - Service.Start.DateTime - TimeSpan.FromSeconds(1));
        Assert.Equal("quota_exceeded", (await service.GetAsync(Cheap)).ErrorKey);
        service.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync(Cheap)).Status);
        Assert.Equal(1, service.State.Statistics().Today);
    }

    [Fact]
    public async Task Retry_After_is_there_when_switched_on()
    {
        await using Service service = await Service.StartAsync(s =>
        {
            s.RateLimit = RateLimitMode.Rolling;
            s.RetryAfter = true;
        });
        for (int i = 0; i < 4; i++) await service.GetAsync(Cheap);
        Assert.Equal(TimeSpan.FromSeconds(1), (await service.GetAsync(Cheap)).Headers.RetryAfter!.Delta);
    }

    [Fact]
    public async Task A_throttle_burst_refuses_so_many_calls()
    {
        await using Service service = await Service.StartAsync();
        service.State.ThrottleNext(2);
        Assert.Equal("throttled", (await service.GetAsync(Cheap)).ErrorKey);
        Assert.Equal("throttled", (await service.GetAsync(Cheap)).ErrorKey);
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync(Cheap)).Status);
    }

    [Fact]
    public async Task The_token_endpoint_takes_one_call_a_second()
    {
        await using Service service = await Service.StartAsync(s => s.TokenRateLimit = true);
        Answer second = await service.TokenAsync(("grant_type", "refresh_token"));
        Assert.Equal(HttpStatusCode.TooManyRequests, second.Status);
        Assert.Equal(1, service.State.TokenLog.Throttled);
        service.Time.Advance(TimeSpan.FromSeconds(1));
        await service.RefreshAsync();
    }

    [Fact]
    public async Task Calls_without_a_good_token_do_not_use_the_budget()
    {
        await using Service service = await Service.StartAsync(signIn: false);
        Answer answer = await service.GetAsync(Cheap);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Equal("""{"error_key":"unauthorized","error_message":"Unauthorized"}""", answer.Body);
        Assert.Equal("Bearer realm=api.cc.email", answer.Headers.WwwAuthenticate.ToString());
        Assert.Equal(0, service.State.Statistics().Today);
        Assert.Equal(1, service.State.Statistics().Total);
    }
}
