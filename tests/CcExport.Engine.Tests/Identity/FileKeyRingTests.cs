using System.Globalization;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.Store;

namespace CcExport.Engine.Tests.Identity;

/// <summary>The ring's files: whatever moment a process is killed at, each key is there once, as it was or as it is to be.</summary>
public sealed class FileKeyRingTests : IDisposable
{
    private readonly TempHome temp = new();

    public void Dispose() => temp.Dispose();

    private FileKeyRing Ring(Action<string>? step = null) => new(temp.Home, TimeProvider.System) { Step = step ?? (_ => { }) };

    private async Task AddAsync(params string[] names)
    {
        FileKeyRing ring = Ring();
        await using IAsyncDisposable held = await ring.LockAsync(default);
        foreach (string name in names) await ring.AddAsync(name, name + " old", default);
    }

    private static KeyRingElement[] Elements(string what, params string[] names) => [.. names.Select(n => new KeyRingElement(n, $"{n} {what}"))];

    private string[] Files() => [.. Directory.GetFiles(temp.Home.KeyRingFolder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task What_replaces_is_all_there_is()
    {
        await AddAsync("key-a", "key-b");
        FileKeyRing ring = Ring();
        await using (await ring.LockAsync(default)) await ring.ReplaceAsync(Elements("new", "key-b", "key-c"), default);
        Assert.Equal(Elements("new", "key-b", "key-c"), await Ring().ListAsync(default));
        Assert.Equal(["key-b.xml", "key-c.xml"], Files());
        if (OperatingSystem.IsWindows()) return;
        foreach (string file in Directory.GetFiles(temp.Home.KeyRingFolder)) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    /// <summary>A kill is an end without any clean-up: so is an exception here, for the code has none.</summary>
    [Fact]
    public async Task Killed_between_any_two_steps_it_is_as_it_was_or_as_it_is_to_be()
    {
        List<string> outcomes = [];
        for (int last = 0; ; last++)
        {
            using var home = new TempHome();
            FileKeyRing first = new(home.Home, TimeProvider.System);
            await using (await first.LockAsync(default))
            {
                foreach (string name in new[] { "key-a", "key-b", "key-gone" }) await first.AddAsync(name, name + " old", default);
            }
            int steps = 0;
            string? at = null;
            FileKeyRing killed = new(home.Home, TimeProvider.System) { Step = step => { if (steps++ == last) throw new KilledException(at = step); } };
            IAsyncDisposable held = await killed.LockAsync(default);
            bool ended = true;
            try { await killed.ReplaceAsync(Elements("new", "key-a", "key-b"), default); }
            catch (KilledException) { ended = false; }

            // Somebody reads while the one that is in the middle of it still has the lock: nothing may be repaired under its hands.
            string[] before = Directory.GetFiles(home.Home.KeyRingFolder);
            Check(await new FileKeyRing(home.Home, TimeProvider.System).ListAsync(default));
            Assert.Equal(before.Order(), Directory.GetFiles(home.Home.KeyRingFolder).Order());
            await held.DisposeAsync();

            // And after it is dead: repaired at once, to the same.
            IReadOnlyList<KeyRingElement> after = await new FileKeyRing(home.Home, TimeProvider.System).ListAsync(default);
            string outcome = Check(after);
            Assert.All(Directory.GetFiles(home.Home.KeyRingFolder), f => Assert.EndsWith(".xml", f, StringComparison.Ordinal));
            Assert.Equal(after, await new FileKeyRing(home.Home, TimeProvider.System).ListAsync(default));
            if (ended)
            {
                Assert.Equal("new", outcome);
                break;
            }
            outcomes.Add(string.Create(CultureInfo.InvariantCulture, $"{at}: {outcome}"));
        }
        Assert.Equal(["element written: old", "element written: old", "list written: old", "list in force: new", "element in place: new", "element in place: new", "other element gone: new"], outcomes);
    }

    [Fact]
    public async Task Killed_while_adding_there_is_no_half_key()
    {
        FileKeyRing killed = Ring(step => throw new KilledException(step));
        await using (await killed.LockAsync(default)) await Assert.ThrowsAsync<KilledException>(() => killed.AddAsync("key-a", "key-a old", default));
        Assert.Single(Files());
        Assert.Empty(await Ring().ListAsync(default));
        Assert.Empty(Files());
        await AddAsync("key-a");
        Assert.Equal(Elements("old", "key-a"), await Ring().ListAsync(default));
    }

    [Fact]
    public async Task Who_reads_all_the_while_always_finds_each_key()
    {
        await AddAsync("key-a", "key-b");
        using var stop = new CancellationTokenSource();
        Task<int> reader = Task.Run(async () =>
        {
            int reads = 0;
            for (; !stop.IsCancellationRequested; reads++) Assert.Equal(["key-a", "key-b"], (await Ring().ListAsync(default)).Select(e => e.Name));
            return reads;
        });
        for (int round = 0; round < 50; round++)
        {
            FileKeyRing ring = Ring();
            await using (await ring.LockAsync(default)) await ring.ReplaceAsync(Elements(round.ToString(CultureInfo.InvariantCulture), "key-a", "key-b"), default);
        }
        stop.Cancel();
        Assert.InRange(await reader, 1, int.MaxValue);
    }

    [Fact]
    public async Task A_ring_that_may_not_be_read_is_told_as_that()
    {
        await AddAsync("key-a");
        // Denied to everybody, whatever rights the tests have.
        Directory.CreateDirectory(Path.Combine(temp.Home.KeyRingFolder, "replaced.list"));
        CcException e = await Assert.ThrowsAsync<CcException>(() => Ring().ListAsync(default));
        Assert.Equal(("KeyRingUnreadable", CcErrorKind.Storage), (e.ErrorId, e.Kind));
    }

    private static string Check(IReadOnlyList<KeyRingElement> found)
    {
        string[] old = ["key-a old", "key-b old", "key-gone old"], replaced = ["key-a new", "key-b new"];
        string[] texts = [.. found.Select(e => e.Xml)];
        if (texts.SequenceEqual(old)) return "old";
        Assert.Equal(replaced, texts);
        return "new";
    }

    private sealed class KilledException(string step) : Exception(step);
}
