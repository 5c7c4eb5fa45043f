using System.Diagnostics;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.ConstantContact;

public class CallGateTests
{
    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Never_lets_five_arrive_in_one_second()
    {
        await using var wired = new Wired(TimeProvider.System);
        // Uneven answers, so that places come free at uneven times.
        int count = 0;
        wired.Server.Always(Wired.Privileges, _ => Reply.Json("[]") with { Delay = TimeSpan.FromMilliseconds(Interlocked.Increment(ref count) * 37 % 150) });
        ConstantContactClient[] clients = [wired.Client(), wired.Client()];
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => clients[i % 2].GetPrivilegesAsync(None))));
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        long[] arrived = [.. wired.Server.Requests.Select(r => r.Arrived).Order()];
        Assert.Equal(16, arrived.Length);
        for (int i = 4; i < arrived.Length; i++)
            Assert.True(Stopwatch.GetElapsedTime(arrived[i - 4], arrived[i]) > TimeSpan.FromSeconds(1), $"call {i} came {Stopwatch.GetElapsedTime(arrived[i - 4], arrived[i])} after call {i - 4}");
        // And no slower than it must be, with room for a busy machine.
        Assert.True(took < TimeSpan.FromSeconds(12), $"16 calls took {took}");
        Assert.Equal(16, wired.Ledger.Released);
    }

    [Fact]
    public async Task Asks_the_ledger_only_for_those_whose_turn_it_is()
    {
        var ledger = new InMemoryLedger();
        var time = new JumpingTime();
        var gate = new CallGate(ledger, "key", time, new WireOptions());
        var open = new TaskCompletionSource();
        Task<int>[] calls = [.. Enumerable.Range(0, 50).Select(i => gate.RunAsync(TimeSpan.FromSeconds(30), async _ =>
        {
            await open.Task;
            return i;
        }, None))];
        await Task.Delay(50);
        Assert.Equal(4, ledger.Asked);
        open.SetResult();
        Assert.Equal(Enumerable.Range(0, 50), await Task.WhenAll(calls));
        Assert.Equal((50, 50), (ledger.Taken.Count, ledger.Released));
    }

    [Fact]
    public async Task Holds_a_place_for_the_calls_time_out_and_frees_it_a_second_after_the_call()
    {
        var ledger = new InMemoryLedger();
        var time = new JumpingTime();
        var gate = new CallGate(ledger, "key", time, new WireOptions());
        DateTimeOffset start = time.GetUtcNow();
        for (int i = 0; i < 5; i++)
        {
            await gate.RunAsync(TimeSpan.FromSeconds(30), _ =>
            {
                time.Jump(TimeSpan.FromMilliseconds(100));
                return Task.FromResult(0);
            }, None);
        }
        Assert.Equal(start + TimeSpan.FromSeconds(50), ledger.Taken[0].HeldUntil);
        // The first place was left at 0.1 s: the fifth call may leave at 1.1 s, and not earlier.
        Assert.InRange((ledger.Taken[4].Now - start).TotalMilliseconds, 1100, 1120);
    }

    [Fact]
    public async Task Gives_the_place_back_after_a_failure()
    {
        var ledger = new InMemoryLedger();
        var gate = new CallGate(ledger, "key", new JumpingTime(), new WireOptions());
        await Assert.ThrowsAsync<IOException>(() => gate.RunAsync<int>(TimeSpan.FromSeconds(1), _ => throw new IOException(), None));
        Assert.Equal(1, ledger.Released);
        Assert.Equal(7, await gate.RunAsync(TimeSpan.FromSeconds(1), _ => Task.FromResult(7), None));
    }

    [Fact]
    public async Task Stops_waiting_when_the_caller_does()
    {
        var ledger = new InMemoryLedger();
        var gate = new CallGate(ledger, "key", TimeProvider.System, new WireOptions());
        using var stop = new CancellationTokenSource();
        var never = new TaskCompletionSource<int>();
        Task<int>[] held = [.. Enumerable.Range(0, 4).Select(_ => gate.RunAsync(TimeSpan.FromSeconds(30), _ => never.Task, None))];
        Task<int> waiting = gate.RunAsync(TimeSpan.FromSeconds(30), _ => Task.FromResult(0), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        // Another process holds all four: the wait is for the ledger now.
        var other = new CallGate(ledger, "key", TimeProvider.System, new WireOptions());
        using var later = new CancellationTokenSource(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other.RunAsync(TimeSpan.FromSeconds(30), _ => Task.FromResult(0), later.Token));
        Assert.Equal(4, ledger.Taken.Count);
        never.SetResult(0);
        await Task.WhenAll(held);
    }

    [Theory]
    [InlineData(0, null, 0, 1)]
    [InlineData(0, null, 1, 1.5)]
    [InlineData(3, null, 0, 8)]
    [InlineData(20, null, 1, 45)]
    [InlineData(0, 0.5, 0, 1)]
    [InlineData(0, 20.0, 0, 20)]
    [InlineData(0, 3600.0, 0, 60)]
    [InlineData(0, -5.0, 0, 1)]
    public void Backs_off_doubling_with_jitter(int attempt, double? retryAfter, double random, double seconds)
        => Assert.Equal(seconds, Backoff.Delay(attempt, retryAfter is { } s ? TimeSpan.FromSeconds(s) : null, random, new WireOptions()).TotalSeconds);
}
