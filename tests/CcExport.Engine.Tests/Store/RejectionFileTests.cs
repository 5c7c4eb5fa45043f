using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

public sealed class RejectionFileTests : IDisposable
{
    private readonly TempHome temp = new();

    public void Dispose() => temp.Dispose();

    private async Task<List<RejectionRecord>> ReadAsync(long run = 7, CancellationToken ct = default)
    {
        var all = new List<RejectionRecord>();
        await foreach (RejectionRecord record in RejectionFile.ReadAsync(temp.Home, run, ct))
        {
            all.Add(record);
        }
        return all;
    }

    private void Write(params string[] reasons)
    {
        using RejectionWriter writer = RejectionFile.OpenWriter(temp.Home, 7);
        foreach (string reason in reasons)
        {
            writer.Write(new RejectionEntry { Kind = RejectionKind.Invalid, ReasonId = reason });
        }
    }

    [Fact]
    public async Task What_was_written_is_read()
    {
        using (RejectionWriter writer = RejectionFile.OpenWriter(temp.Home, 7))
        {
            writer.Write(new RejectionEntry
            {
                Kind = RejectionKind.Noted,
                Row = 3_000_000_000,
                Segment = "Ünïted \"VIP\"\n",
                Key = "C-\u00e9\t1"u8,
                Field = "cf:city",
                ReasonId = "ValueCut",
                Count = 2,
                Batch = 4,
                Text = "Invalid email",
            });
            writer.Write(new RejectionEntry { Kind = RejectionKind.Invalid, ReasonId = "EmailMissing", Key = [0x41, 0xFF, 0x42] });
            writer.Write(new RejectionEntry { Kind = RejectionKind.Duplicate, Row = 2, ReasonId = "Duplicate", WinnerRow = 4_000_000_000, WinnerSegment = "VIP", WinnerKey = "C-\u00e9"u8 });
            foreach (RejectionKind kind in Enum.GetValues<RejectionKind>())
            {
                writer.Write(new RejectionEntry { Kind = kind, ReasonId = "R", Segment = "" });
            }
            await writer.FlushAsync(CancellationToken.None);
            // While it is still being written, too.
            Assert.Equal(3 + Enum.GetValues<RejectionKind>().Length, (await ReadAsync()).Count);
        }
        List<RejectionRecord> read = await ReadAsync();
        Assert.Equal(new RejectionRecord(RejectionKind.Noted, 3_000_000_000, "Ünïted \"VIP\"\n", "C-\u00e9\t1", "cf:city", "ValueCut", 2, 4, "Invalid email"), read[0]);
        Assert.Equal(new RejectionRecord(RejectionKind.Invalid, 0, null, "A\uFFFDB", null, "EmailMissing", 1, null), read[1]);
        Assert.Equal(new RejectionRecord(RejectionKind.Duplicate, 2, null, null, null, "Duplicate", 1, null, null, 4_000_000_000, "VIP", "C-\u00e9"), read[2]);
        RejectionRecord[] others = [.. Enum.GetValues<RejectionKind>().Select(kind => new RejectionRecord(kind, 0, "", null, null, "R", 1, null))];
        Assert.Equal(others, read.Skip(3));

        List<RejectionRecord> before = [.. read];
        await RejectionFile.RewriteAsync(temp.Home, 7, r => r);
        Assert.Equal(before, await ReadAsync());
        await RejectionFile.RewriteAsync(temp.Home, 7, r => r.ReasonId == "R" ? null : r with { WinnerKey = r.ReasonId });
        Assert.Equal(["ValueCut", "EmailMissing", "Duplicate"], (await ReadAsync()).Select(r => r.WinnerKey));
    }

    [Fact]
    public async Task What_was_found_while_reading_can_be_passed_over()
    {
        using (RejectionWriter writer = RejectionFile.OpenWriter(temp.Home, 7))
        {
            foreach (RejectionKind kind in Enum.GetValues<RejectionKind>()) writer.Write(new RejectionEntry { Kind = kind, ReasonId = "R", Key = "k"u8 });
        }
        // Not a line of ours: it is read, to be on the safe side.
        File.AppendAllText(RejectionFile.PathOf(temp.Home, 7), """{ "reason": "R", "kind": "Invalid" }""" + "\n");
        List<RejectionKind> kinds = [];
        await foreach (RejectionRecord r in RejectionFile.ReadAsync(temp.Home, 7, default, ofSent: true)) kinds.Add(r.Kind);
        Assert.Equal([RejectionKind.Suppressed, RejectionKind.Refused, RejectionKind.Unaccounted, RejectionKind.Invalid], kinds);
    }

    [Fact]
    public async Task Appending_goes_on_where_the_file_ended()
    {
        Write("A", "B");
        Write("C");
        Assert.Equal(["A", "B", "C"], (await ReadAsync()).Select(r => r.ReasonId));
        Assert.Empty(await ReadAsync(run: 8));
    }

    [Fact]
    public async Task A_kill_at_any_byte_loses_the_last_line_only()
    {
        Write("A", "B");
        string path = RejectionFile.PathOf(temp.Home, 7);
        byte[] whole = File.ReadAllBytes(path);
        int first = Array.IndexOf(whole, (byte)'\n') + 1;
        for (int length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            string[] left = length == whole.Length ? ["A", "B"] : length >= first ? ["A"] : [];
            Assert.Equal(left, (await ReadAsync()).Select(r => r.ReasonId));
            Write("C");
            Assert.Equal([.. left, "C"], (await ReadAsync()).Select(r => r.ReasonId));
        }
    }

    [Fact]
    public async Task Lines_longer_than_every_buffer_survive()
    {
        string segment = new('s', 200_000);
        using (RejectionWriter writer = RejectionFile.OpenWriter(temp.Home, 7))
        {
            for (int i = 1; i <= 3; i++)
            {
                writer.Write(new RejectionEntry { Kind = RejectionKind.Invalid, Row = i, Segment = segment, ReasonId = "R" });
            }
        }
        File.AppendAllText(RejectionFile.PathOf(temp.Home, 7), "{\"kind\":\"" + new string('x', 10_000));
        Write("S");
        List<RejectionRecord> read = await ReadAsync();
        Assert.Equal([1, 2, 3, 0], read.Select(r => r.Row));
        Assert.All(read.Take(3), r => Assert.Equal(segment, r.Segment));
    }

    [Fact]
    public async Task Many_threads_may_write_at_once()
    {
        using (RejectionWriter writer = RejectionFile.OpenWriter(temp.Home, 7))
        {
            Parallel.For(1, 20_001, row => writer.Write(new RejectionEntry { Kind = RejectionKind.Refused, Row = row, ReasonId = "R" }));
        }
        Assert.Equal(Enumerable.Range(1, 20_000).Select(i => (long)i), (await ReadAsync()).Select(r => r.Row).Order());
    }

    [Fact]
    public async Task A_damaged_line_is_told_and_a_later_version_is_understood()
    {
        Write("A");
        string path = RejectionFile.PathOf(temp.Home, 7);
        File.AppendAllText(path, "{\"kind\":\"Invalid\",\"new\":{\"a\":[1]},\"reason\":\"B\"}\n");
        Assert.Equal(["A", "B"], (await ReadAsync()).Select(r => r.ReasonId));
        foreach (string bad in new[] { "", "x", "{}", "[1]", "{\"kind\":\"Nonsense\",\"reason\":\"B\"}", "{\"kind\":1,\"reason\":\"B\"}", "{\"kind\":\"Invalid\"" })
        {
            File.WriteAllText(path, bad + "\n");
            CcException e = await Assert.ThrowsAsync<CcException>(() => ReadAsync());
            Assert.Equal(("RejectionsUnreadable", CcErrorKind.Storage), (e.ErrorId, e.Kind));
        }
    }

    [Fact]
    public async Task Reading_obeys_the_token()
    {
        Write("A", "B");
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (RejectionRecord _ in RejectionFile.ReadAsync(temp.Home, 7, stop.Token))
            {
                await stop.CancelAsync();
            }
        });
    }

    [Fact]
    public void The_file_is_its_owners_and_can_be_removed()
    {
        Write("A");
        string path = RejectionFile.PathOf(temp.Home, 7);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
        RejectionFile.Delete(temp.Home, 7);
        RejectionFile.Delete(temp.Home, 7);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void Writing_costs_no_memory_for_each_row()
    {
        using RejectionWriter writer = RejectionFile.OpenWriter(temp.Home, 7);
        void Many(int count)
        {
            for (int i = 1; i <= count; i++)
            {
                writer.Write(new RejectionEntry { Kind = RejectionKind.Invalid, Row = i, Segment = "VIP", Key = "C-0001"u8, Field = "email", ReasonId = "EmailMalformed" });
            }
        }
        Many(5_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Many(100_000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void A_closed_writer_fails_loudly()
    {
        RejectionWriter writer = RejectionFile.OpenWriter(temp.Home, 7);
        writer.Dispose();
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => writer.Write(new RejectionEntry { Kind = RejectionKind.Invalid, ReasonId = "R" }));
    }
}
