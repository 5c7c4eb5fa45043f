using CcExport.Engine.Exports;
using Microsoft.Extensions.Time.Testing;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>The wait for 00:00 UTC, by a clock that is set forward.</summary>
public sealed class QuotaWaitTests
{
    private static readonly DateTimeOffset Midnight = new(2026, 11, 26, 0, 0, 0, TimeSpan.Zero);

    /// <param name="skew">Seconds by which the service's clock is ahead of ours.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(-60)]
    [InlineData(60)]
    public async Task It_ends_after_midnight_by_the_services_clock_and_counts_down(int skew)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        var clock = new FakeTimeProvider(Midnight.AddSeconds(-90));
        await using var stop = new StopSignal(test.Store.Runs, 1, TimeProvider.System);
        Task<bool> wait = QuotaWait.WaitAsync(test.Parts with { Time = clock }, new RunReporter(test.Watcher, clock), TimeSpan.FromSeconds(skew), stop, default);
        for (int i = 0; i < 400 && !wait.IsCompleted; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5);
        }
        Assert.True(await wait);
        Assert.InRange(clock.GetUtcNow(), Midnight.AddSeconds(5 - skew), Midnight.AddSeconds(40 - skew));
        string[] told = [.. test.Watcher.Steps.Where(s => s.Stage == "Waiting for quota").Select(s => s.Text)];
        Assert.True(told.Length > 20);
        Assert.Equal(told.Order(StringComparer.Ordinal).Reverse(), told);
        Assert.Matches("goes on in 00:0[0-2]:[0-5][0-9]", told[0]);
    }

    [Fact]
    public async Task It_ends_when_the_run_is_ended_for_good()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run parked = await ParkedAsync(test);
        await using var stop = new StopSignal(test.Store.Runs, parked.Id, TimeProvider.System);
        Task<bool> wait = QuotaWait.WaitAsync(test.Parts, new RunReporter(test.Watcher, TimeProvider.System), TimeSpan.Zero, stop, default);
        await test.Store.Runs.RequestStopAsync(parked.Id, DateTimeOffset.UtcNow, default);
        Assert.False(await wait.WaitAsync(TimeSpan.FromSeconds(20)));
    }
}
