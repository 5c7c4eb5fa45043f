using System.Diagnostics;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

/// <summary>The named leases.</summary>
public abstract class LeaseCompliance : StoreCompliance
{
    private static readonly DateTimeOffset Now = Records.Noon;
    private static readonly DateTimeOffset Expires = Now.AddMinutes(1);

    private static LeaseOwner Owner(string machine = "here", int process = 1, long start = 100) => new(Guid.NewGuid(), machine, process, start, "run of Weekly");

    private static Task<LeaseAnswer> TakeAsync(IStore store, LeaseOwner owner, DateTimeOffset? now = null) =>
        store.Leases.TryTakeAsync("export:weekly", owner, now ?? Now, (now ?? Now).AddMinutes(1), None);

    [StoreFact]
    public async Task A_lease_has_one_holder_until_it_is_released()
    {
        IStore store = await AnotherAsync((_, _) => true);
        LeaseOwner first = Owner(), second = Owner(process: 2);
        Assert.Equal(new LeaseAnswer(true, first, Expires, TookOver: false), await TakeAsync(store, first));
        Assert.Equal(new LeaseAnswer(false, first, Expires, TookOver: false), await TakeAsync(store, second));
        Assert.True((await store.Leases.TryTakeAsync("another", second, Now, Expires, None)).Taken);

        await store.Leases.ReleaseAsync("export:weekly", second, None);
        Assert.False((await TakeAsync(store, second)).Taken);
        await store.Leases.ReleaseAsync("export:weekly", first, None);
        Assert.Equal(new LeaseAnswer(true, second, Expires, TookOver: false), await TakeAsync(store, second));
    }

    [StoreFact]
    public async Task Two_takings_of_one_process_are_told_apart()
    {
        IStore store = await AnotherAsync((_, _) => true);
        Assert.True((await TakeAsync(store, Owner())).Taken);
        Assert.False((await TakeAsync(store, Owner())).Taken);
    }

    [StoreFact]
    public async Task A_holder_may_take_again_and_renew_what_is_still_his()
    {
        IStore store = await AnotherAsync((_, _) => true);
        LeaseOwner first = Owner(), second = Owner(process: 2);
        await TakeAsync(store, first);
        Assert.Equal(new LeaseAnswer(true, first, Now.AddSeconds(90), false), await TakeAsync(store, first, Now.AddSeconds(30)));
        Assert.True(await store.Leases.RenewAsync("export:weekly", first, Now.AddMinutes(5), None));
        Assert.False((await TakeAsync(store, second, Now.AddMinutes(4))).Taken);
        Assert.False(await store.Leases.RenewAsync("export:weekly", second, Now.AddMinutes(9), None));
        Assert.False(await store.Leases.RenewAsync("nobody's", first, Now.AddMinutes(9), None));
    }

    [StoreFact]
    public async Task An_expired_lease_is_taken_over_and_its_holder_learns_it()
    {
        IStore store = await AnotherAsync((_, _) => true);
        LeaseOwner first = Owner(), second = Owner("elsewhere");
        await TakeAsync(store, first);
        Assert.False((await TakeAsync(store, second, Expires.AddTicks(-1))).Taken);
        Assert.Equal(new LeaseAnswer(true, second, Expires.AddMinutes(1), TookOver: true), await TakeAsync(store, second, Expires));
        Assert.False(await store.Leases.RenewAsync("export:weekly", first, Expires.AddMinutes(9), None));
        await store.Leases.ReleaseAsync("export:weekly", first, None);
        Assert.True(await store.Leases.RenewAsync("export:weekly", second, Expires.AddMinutes(9), None));
    }

    [StoreFact]
    public async Task A_dead_holder_is_taken_over_at_once_on_his_own_machine_only()
    {
        IStore store = await AnotherAsync((process, start) => (process, start) != (7, 100));
        await TakeAsync(store, Owner(process: 7));
        Assert.False((await TakeAsync(store, Owner("elsewhere"))).Taken);
        LeaseAnswer answer = await TakeAsync(store, Owner());
        Assert.Equal((true, true), (answer.Taken, answer.TookOver));
    }

    [StoreFact]
    public async Task Of_many_that_take_at_once_one_succeeds()
    {
        IStore[] stores = [Store, await AnotherAsync()];
        LeaseAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i =>
            Task.Run(() => TakeAsync(stores[i % 2], LeaseOwner.ForThisProcess("x", Guid.NewGuid)))));
        LeaseAnswer won = Assert.Single(answers, a => a.Taken);
        Assert.All(answers, a => Assert.Equal(won.Holder, a.Holder));
    }

    [StoreFact]
    public async Task The_real_process_table_tells_the_living_from_the_dead()
    {
        var self = LeaseOwner.ForThisProcess("run", Guid.NewGuid);
        Assert.Equal((Environment.ProcessId, "run"), (self.ProcessId, self.Purpose));
        await TakeAsync(Store, self);
        Assert.False((await TakeAsync(Store, LeaseOwner.ForThisProcess("run", Guid.NewGuid))).Taken);
        await Store.Leases.ReleaseAsync("export:weekly", self, None);

        // The same id with another start is another process, as after a reboot.
        await TakeAsync(Store, self with { ProcessStartTicks = self.ProcessStartTicks - 1 });
        Assert.True((await TakeAsync(Store, self with { Id = Guid.NewGuid() })).TookOver);
    }

    [StoreFact]
    public void A_process_that_ended_is_gone()
    {
        using var child = Process.Start(new ProcessStartInfo("dotnet", "--version") { RedirectStandardOutput = true })!;
        long? start = ProcessTable.StartOf(child.Id);
        Assert.NotNull(start);
        child.WaitForExit();
        Assert.False(ProcessTable.IsAlive(child.Id, start.Value));
    }

    [StoreFact]
    public void A_zombie_is_gone()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }
        // The shell becomes a program that never asks after its child: the child's end leaves a zombie.
        using var parent = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "sleep 0.3 & echo $!; exec sleep 30"]) { RedirectStandardOutput = true })!;
        try
        {
            int child = int.Parse(parent.StandardOutput.ReadLine()!, System.Globalization.CultureInfo.InvariantCulture);
            string stat = $"/proc/{child}/stat";
            Assert.NotNull(ProcessTable.StartOf(child));
            Assert.True(SpinWait.SpinUntil(() => File.ReadAllText(stat).Contains(") Z ", StringComparison.Ordinal), TimeSpan.FromSeconds(10)));
            Assert.Null(ProcessTable.StartOf(child));
        }
        finally
        {
            parent.Kill();
        }
    }
}
