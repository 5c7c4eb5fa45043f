using System.IO.Compression;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Who is on the stored list or in a file is never sent; the store knows no address; a file that cannot be read sends nothing.</summary>
public sealed class SuppressionTests
{
    [Fact]
    public async Task The_stored_list_holds_out_and_gives_free_again()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 20);
        SuppressionChange change = await test.Engine.AddSuppressionAsync(["  PERSON3@Example.com ", "person4@example.com", "no address", "person4@example.com"], "me", "by phone", default);
        Assert.Equal((2, 0, 1L), (change.Added, change.Known, change.NotAddresses));
        Assert.Equal(1, (await test.Engine.AddSuppressionAsync(["person3@example.com"], "me", null, default)).Known);

        Preview preview = await test.Engine.PreviewAsync(new RunRequest { ExportName = "E" }, null, 10, test.Watcher, default);
        Assert.Equal((2L, 18L), (preview.Suppressed, preview.WouldSend));
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 2L, 18L), (run.Status, run.Suppressed, run.Accepted));
        Assert.Equal([("K3", Reasons.SuppressionList), ("K4", Reasons.SuppressionList)], (await test.RejectionsAsync(run.Id)).Select(r => (r.SourceKey!, r.Reason)));
        Assert.Null(test.Simulator.State.Contact("person3@example.com"));

        Suppression found = await test.Engine.GetSuppressionAsync("Person3@example.com", default);
        Assert.Equal((true, "SuppressionList", "me", "by phone"), (found.IsSuppressed, found.Reason, found.AddedBy, found.Note));
        Assert.False((await test.Engine.GetSuppressionAsync("person5@example.com", default)).IsSuppressed);
        Assert.Equal(2, (await test.Engine.GetSuppressionsAsync(default)).Count);
        await test.Engine.RemoveSuppressionAsync("person3@example.com", default);
        Assert.Equal("SuppressionNotFound", await Fails(() => test.Engine.RemoveSuppressionAsync("person3@example.com", default)));
        Assert.Equal("EmailInvalid", await Fails(() => test.Engine.RemoveSuppressionAsync("person3", default)));
        Assert.Equal(1, (await InvokeAsync(test)).Suppressed);
    }

    /// <summary>Without the ring the store is silent: what it has is neither the address nor its hash.</summary>
    [Fact]
    public async Task The_store_can_not_be_asked_without_the_ring()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await test.Engine.AddSuppressionAsync(["person3@example.com"], "me", null, default);
        AddressHash.Of("person3@example.com", out UInt128 hash);
        byte[] plain = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128LittleEndian(plain, hash);
        SuppressionRecord record = Assert.Single(await test.Store.Suppressions.ListAsync(default));
        Assert.Equal(16, record.Address.Length);
        Assert.NotEqual(plain, record.Address);
        byte[] key = await test.Store.Suppressions.GetKeyAsync(null, default);
        Assert.True(key.Length > 32);
        Assert.Throws<CcException>(() => test.Parts.Secrets.Unprotect("fingerprints", key));
    }

    public static TheoryData<string, string> Files => new()
    {
        { "plain.txt", "person3@example.com\nPERSON4@example.com \n\n" },
        { "one.csv", "E-Mail,Why\nperson3@example.com,x\nperson4@example.com,y\n" },
        { "two.csv", "Why;Email Address\nx;person3@example.com\ny;person4@example.com\n" },
        { "rows.ndjson", "{\"why\":1,\"email\":\"person3@example.com\"}\n{\"email\":\"person4@example.com\"}\n" },
        { "plain.txt.gz", "person3@example.com\nperson4@example.com\n" },
        { "heading.txt", "Do not mail\nperson3@example.com\nperson4@example.com\nnobody\n" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Files_hold_out_whatever_their_form(string name, string text)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 10);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (name.EndsWith(".gz", StringComparison.Ordinal))
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
            bytes = packed.ToArray();
        }
        string path = test.File(name, bytes);
        Run run = await InvokeAsync(test, r => r with { SuppressionPath = [path] });
        Assert.Equal((RunStatus.Completed, 2L, 8L), (run.Status, run.Suppressed, run.Accepted));
        Assert.All(await test.RejectionsAsync(run.Id), r => Assert.Equal(Reasons.SuppressionFile, r.Reason));
        Assert.Equal(name == "heading.txt", test.Watcher.Warnings.Any(w => w.StartsWith("2 lines of the suppression files", StringComparison.Ordinal)));
        Assert.Equal(2, (await test.Engine.AddSuppressionFilesAsync([path], "me", null, default)).Added);
    }

    [Fact]
    public async Task Who_comes_into_a_file_while_a_run_stands_still_is_not_sent_by_it()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 90);
        string file = test.File("never.txt", "never@example.com\n");
        test.Simulator.State.AddFault(DayEnded);
        Run parked = await InvokeAsync(test, r => r with { SuppressionPath = [file] });
        Assert.Equal(RunStatus.WaitingForQuota, parked.Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        File.Move(file, file + ".old");
        Run without = await ResumeAsync(test, parked.Id);
        Assert.Equal(RunStatus.Interrupted, without.Status);
        Assert.Contains($"Run {parked.Id} was read with this file", without.Message, StringComparison.Ordinal);
        Assert.Contains("Put the file back", without.Message, StringComparison.Ordinal);
        File.Move(file + ".old", file);
        File.AppendAllText(file, "person60@example.com\n");
        Run run = await ResumeAsync(test, parked.Id);
        Assert.Equal((RunStatus.Completed, 90L, 1L, 89L), (run.Status, run.Read, run.Suppressed, run.Accepted));
        Rejection held = Assert.Single(await test.RejectionsAsync(run.Id));
        Assert.Equal(("K60", Reasons.SuppressionFile), (held.SourceKey, held.Reason));
        Assert.Null(test.Simulator.State.Contact("person60@example.com"));
    }

    [Theory]
    [InlineData("gone.txt", null)]
    [InlineData("wide.csv", "Name,City\nperson3@example.com,Rome\n")]
    [InlineData("empty.txt", "")]
    [InlineData("broken.txt.gz", "\u001f\u008b\b\0\0\0\0\0\0\u0003cut")]
    public async Task A_file_that_cannot_be_read_ends_it_before_it_begins(string name, string? text)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 10);
        string path = text is null ? Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + name) : test.File(name, Encoding.Latin1.GetBytes(text));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", SuppressionPath = [path] }, default);
        CcException failed = await Assert.ThrowsAsync<CcException>(() => InvokeAsync(test));
        Assert.Equal("SuppressionUnreadable", failed.ErrorId);
        Assert.DoesNotContain("person3", failed.ToString(), StringComparison.Ordinal);
        Assert.Empty(await test.Engine.GetRunsAsync(null, null, default));
        Assert.Equal("SuppressionUnreadable", await Fails(() => test.Engine.PreviewAsync(new RunRequest { ExportName = "E" }, null, 0, test.Watcher, default)));
        Assert.Equal("SuppressionUnreadable", await Fails(() => test.Engine.AddSuppressionFilesAsync([path], "me", null, default)));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", SuppressionPath = [] }, default);
        Assert.Equal(10, (await InvokeAsync(test)).Accepted);
    }
}
