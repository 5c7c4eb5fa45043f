using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

public sealed class PipedProfilesTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private static void Row(PipedProfiles piped, params string?[] values)
    {
        piped.BeginRow();
        for (int i = 0; i < values.Length; i++) piped.Add(i, values[i]);
        piped.EndRow();
    }

    private static Task<List<string?[]>> ReadAsync(PipedProfiles piped, params string[] columns)
        => ((IProfileSource)piped).RowsAsync(PipedProfiles.SegmentName, columns);

    [Fact]
    public async Task Rows_come_through_in_the_asked_columns()
    {
        var piped = new PipedProfiles(["EMail", "Name", "City"]);
        Row(piped, "a@b.example", "Jürgen 😀", null);
        await piped.HandOverAsync(default);
        Row(piped, "", "x", "y");
        piped.BeginRow();
        piped.Add(2, "first and long");
        piped.Add(2, "last".AsSpan());
        piped.Add(0, "gone");
        piped.Add(0, null);
        piped.EndRow();
        // What is not handed over is read last.
        piped.Complete();
        Assert.Equal(3, piped.Rows);
        Assert.Equal([[null, "a@b.example", "Jürgen 😀"], ["y", "", "x"], ["last", null, null]], await ReadAsync(piped, "city", "EMail", "Name"));
    }

    [Fact]
    public async Task No_rows_are_none()
    {
        var piped = new PipedProfiles(["EMail"]);
        await piped.HandOverAsync(default);
        piped.Complete();
        Assert.Empty(await ReadAsync(piped, "EMail"));
    }

    [Fact]
    public async Task Many_rows_use_a_few_batches_again_and_keep_their_order()
    {
        const int Rows = 200_000;
        var piped = new PipedProfiles(["Id", "Text"]);
        var texts = new HashSet<byte[]>(ReferenceEqualityComparer.Instance);
        Task<long> reading = Task.Run(async () =>
        {
            long row = 0;
            await foreach (ProfileBatch batch in ((IProfileSource)piped).ReadAsync(PipedProfiles.SegmentName, ["Text", "Id"], default))
            {
                texts.Add(batch.Text);
                Assert.Equal(row + 1, batch.FirstRow);
                for (int i = 0; i < batch.Rows; i++, row++)
                {
                    Assert.Equal($"{row}", System.Text.Encoding.ASCII.GetString(batch[i, 1]));
                    Assert.Equal($"Name{row}", System.Text.Encoding.ASCII.GetString(batch[i, 0]));
                }
            }
            return row;
        });
        for (int i = 0; i < Rows; i++)
        {
            piped.BeginRow();
            piped.Add(0, $"{i}");
            piped.Add(1, $"Name{i}");
            if (piped.EndRow()) await piped.HandOverAsync(default);
        }
        piped.Complete();
        Assert.Equal(Rows, await reading.WaitAsync(Long));
        Assert.InRange(texts.Count, 1, 6);
    }

    [Fact]
    public async Task A_batch_is_full_by_rows_and_by_bytes()
    {
        var piped = new PipedProfiles(["Text"]);
        for (int i = 1; i <= ProfileBatch.DefaultCapacity; i++)
        {
            piped.BeginRow();
            Assert.Equal(i == ProfileBatch.DefaultCapacity, piped.EndRow());
        }
        Assert.Throws<InvalidOperationException>(piped.BeginRow);
        await piped.HandOverAsync(default);
        piped.BeginRow();
        piped.Add(0, new string('x', 4 * 1024 * 1024));
        Assert.True(piped.EndRow());
        await piped.HandOverAsync(default);
        piped.BeginRow();
        Readers.Is("InputRecordTooLong", Assert.Throws<CcException>(() => piped.Add(0, new string('x', Limits.RecordBytes + 1))));
    }

    [Fact]
    public async Task Half_a_surrogate_pair_makes_its_row_malformed_and_no_other()
    {
        var piped = new PipedProfiles(["a", "b"]);
        Row(piped, "1", "2");
        Row(piped, "x\ud800y", "2");
        Row(piped, "3", "4");
        piped.Complete();
        Assert.Equal([["1", "2"], ["Malformed"], ["3", "4"]], await ReadAsync(piped, "a", "b"));
    }

    [Fact]
    public async Task The_producer_waits_while_the_reader_is_behind()
    {
        var piped = new PipedProfiles(["a"]);
        for (int i = 0; i < 3; i++)
        {
            Row(piped, "1");
            Assert.True(piped.HandOverAsync(default).IsCompletedSuccessfully);
        }
        Row(piped, "4");
        Task waiting = piped.HandOverAsync(default).AsTask();
        Assert.False(waiting.IsCompleted);
        Task<List<string?[]>> reading = ReadAsync(piped, "a");
        await waiting.WaitAsync(Long);
        piped.Complete();
        Assert.Equal(4, (await reading.WaitAsync(Long)).Count);
    }

    [Fact]
    public async Task A_waiting_producer_can_be_stopped()
    {
        var piped = new PipedProfiles(["a"]);
        using var stop = new CancellationTokenSource();
        for (int i = 0; i < 3; i++)
        {
            Row(piped, "1");
            await piped.HandOverAsync(stop.Token);
        }
        Row(piped, "4");
        Task waiting = piped.HandOverAsync(stop.Token).AsTask();
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Long));
    }

    [Fact]
    public async Task A_producer_does_not_wait_for_a_reader_that_has_gone()
    {
        var piped = new PipedProfiles(["a"]);
        for (int i = 0; i < 3; i++)
        {
            Row(piped, "1");
            await piped.HandOverAsync(default);
        }
        Row(piped, "4");
        Task waiting = piped.HandOverAsync(default).AsTask();
        await foreach (ProfileBatch _ in ((IProfileSource)piped).ReadAsync(PipedProfiles.SegmentName, ["a"], default)) break;
        await waiting.WaitAsync(Long);
        Assert.True(piped.Abandoned);
        for (int i = 0; i < 10; i++)
        {
            Row(piped, "more");
            await piped.HandOverAsync(default).AsTask().WaitAsync(Long);
        }
        piped.Complete();
    }

    [Fact]
    public async Task An_error_of_the_producer_is_the_readers()
    {
        var piped = new PipedProfiles(["a"]);
        Row(piped, "1");
        piped.Complete(new InvalidOperationException("The pipeline stopped."));
        piped.Complete();
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => ReadAsync(piped, "a"));
        Assert.Equal("The pipeline stopped.", e.Message);
    }

    [Fact]
    public async Task Names_are_checked_and_reading_is_once()
    {
        var piped = new PipedProfiles(["EMail"]);
        piped.Complete();
        await Readers.FailsAsync("ColumnNotFound", () => ReadAsync(piped, "Mail"));
        await Readers.FailsAsync("SegmentNotFound", () => ((IProfileSource)piped).RowsAsync("VIP", "EMail"));
        Assert.Equal(["EMail"], await ((IProfileSource)piped).GetColumnsAsync(PipedProfiles.SegmentName, default));
        Assert.Empty(await ReadAsync(piped, "EMail"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => ReadAsync(piped, "EMail"));
    }

    [Fact]
    public void Calls_in_a_wrong_order_are_told()
    {
        var piped = new PipedProfiles(["a"]);
        Assert.Throws<InvalidOperationException>(() => piped.EndRow());
        Assert.Throws<InvalidOperationException>(() => piped.Add(0, "x"));
        piped.BeginRow();
        Assert.Throws<InvalidOperationException>(piped.BeginRow);
        Assert.Throws<ArgumentOutOfRangeException>(() => piped.Add(1, "x"));
        Assert.Throws<ArgumentOutOfRangeException>(() => piped.Add(-1, null));
        piped.Complete();
        Assert.Throws<InvalidOperationException>(piped.BeginRow);
    }
}
