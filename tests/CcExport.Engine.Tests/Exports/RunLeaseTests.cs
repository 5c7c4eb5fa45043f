using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.ConstantContact.Support;
using Microsoft.Extensions.Time.Testing;

namespace CcExport.Engine.Tests.Exports;

/// <summary>One runner per export: the lease that a run holds and renews.</summary>
public sealed class RunLeaseTests
{
    private const string Name = "export/E";

    private readonly Clock _clock = new();
    private readonly Leases _leases = new();

    private Task<RunLease> TakeAsync() => RunLease.TakeAsync(_leases, _clock, new LeaseTimes(), Name, "'E'", null, default);

    private static async Task UntilAsync(Func<bool> seen)
    {
        for (int i = 0; i < 1000 && !seen(); i++) await Task.Delay(10);
        Assert.True(seen());
    }

    /// <summary>Moves the clock once the beat waits on it, which it does from another thread.</summary>
    private async Task AdvanceAsync(TimeSpan by)
    {
        await UntilAsync(() => _clock.Waiting);
        _clock.Waiting = false;
        _clock.Advance(by);
    }

    private async Task BeatAsync(TimeSpan by)
    {
        int before = _leases.Renewals;
        await AdvanceAsync(by);
        await UntilAsync(() => _leases.Renewals == before + 1);
    }

    private sealed class Clock() : FakeTimeProvider(new DateTimeOffset(2026, 11, 24, 10, 0, 0, TimeSpan.Zero))
    {
        public volatile bool Waiting;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            Waiting = true;
            return timer;
        }
    }

    [Fact]
    public async Task It_is_renewed_while_the_run_goes_on_and_given_back_at_its_end()
    {
        RunLease lease = await TakeAsync();
        for (int i = 0; i < 8; i++) await BeatAsync(TimeSpan.FromSeconds(15));
        // Two minutes later, with a life of one.
        Assert.True(_leases.Real.IsHeld(Name, _clock.GetUtcNow()));
        await lease.AssureAsync(default);
        await lease.DisposeAsync();
        Assert.False(_leases.Real.IsHeld(Name, _clock.GetUtcNow()));
    }

    [Fact]
    public async Task One_that_lapsed_and_was_taken_sends_nothing_and_takes_nothing_back()
    {
        RunLease lease = await TakeAsync();
        _leases.Silent = true;
        await AdvanceAsync(TimeSpan.FromSeconds(61));
        _leases.Real.Hold(Name, _clock.GetUtcNow().AddMinutes(1));
        _leases.Silent = false;
        CcException e = await Assert.ThrowsAsync<CcException>(() => lease.AssureAsync(default));
        Assert.Equal("LeaseLost", e.ErrorId);
        // And for good, even if the other ends.
        _leases.Real.Free(Name);
        await Assert.ThrowsAsync<CcException>(() => lease.AssureAsync(default));
        _leases.Real.Hold(Name, _clock.GetUtcNow().AddMinutes(1));
        await lease.DisposeAsync();
        Assert.True(_leases.Real.IsHeld(Name, _clock.GetUtcNow()));
    }

    [Fact]
    public async Task One_that_lapsed_and_that_nobody_took_is_renewed_before_anything_is_sent()
    {
        await using RunLease lease = await TakeAsync();
        _leases.Silent = true;
        await AdvanceAsync(TimeSpan.FromSeconds(61));
        await UntilAsync(() => _leases.Refused > 0);
        _leases.Silent = false;
        await lease.AssureAsync(default);
        Assert.Equal(1, _leases.Renewals);
    }

    [Fact]
    public async Task A_beat_that_finds_it_taken_ends_the_sending_at_once()
    {
        await using RunLease lease = await TakeAsync();
        _leases.Real.Free(Name);
        _leases.Real.Hold(Name, _clock.GetUtcNow().AddMinutes(5));
        await BeatAsync(TimeSpan.FromSeconds(15));
        await UntilAsync(() => Record.Exception(() => lease.AssureAsync(default).GetAwaiter().GetResult()) is CcException { ErrorId: "LeaseLost" });
    }

    [Fact]
    public async Task One_that_could_not_be_given_back_is_no_obstacle_to_the_same_process()
    {
        RunLease lease = await TakeAsync();
        _leases.Silent = true;
        await lease.DisposeAsync();
        _leases.Silent = false;
        Assert.True(_leases.Real.IsHeld(Name, _clock.GetUtcNow()));
        await (await TakeAsync()).DisposeAsync();
        // Anybody else's stands.
        _leases.Real.Hold(Name, _clock.GetUtcNow().AddMinutes(1));
        Assert.Equal("RunInProgress", (await Assert.ThrowsAsync<CcException>(TakeAsync)).ErrorId);
    }

    /// <summary>Leases in memory, which can fail as a locked store does.</summary>
    private sealed class Leases : ILeaseStore
    {
        public InMemoryLeases Real { get; } = new();
        public volatile bool Silent;
        private int _renewals, _refused;

        public int Renewals => Volatile.Read(ref _renewals);
        public int Refused => Volatile.Read(ref _refused);

        public Task<LeaseAnswer> TryTakeAsync(string name, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires, CancellationToken ct)
            => Real.TryTakeAsync(name, owner, now, expires, ct);

        public async Task<bool> RenewAsync(string name, LeaseOwner owner, DateTimeOffset expires, CancellationToken ct)
        {
            Check();
            bool renewed = await Real.RenewAsync(name, owner, expires, ct);
            Interlocked.Increment(ref _renewals);
            return renewed;
        }

        public Task<IReadOnlyDictionary<string, LeaseOwner>> GetHeldAsync(IReadOnlyCollection<string> names, DateTimeOffset now, CancellationToken ct)
            => Real.GetHeldAsync(names, now, ct);

        public Task ReleaseAsync(string name, LeaseOwner owner, CancellationToken ct)
        {
            Check();
            return Real.ReleaseAsync(name, owner, ct);
        }

        private void Check()
        {
            if (!Silent) return;
            Interlocked.Increment(ref _refused);
            throw new CcException("StoreLocked", CcErrorKind.Storage, "Locked.");
        }
    }
}
