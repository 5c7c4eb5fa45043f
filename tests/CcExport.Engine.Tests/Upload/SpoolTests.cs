using System.Text;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Tests.Upload;

public sealed class SpoolTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ccspool-").FullName;
    private readonly byte[] _key = Spool.NewKey();

    private async Task WriteAsync(Spool spool, int batch, string body) =>
        await spool.WriteAsync(batch, Encoding.UTF8.GetBytes(body), new byte[BatchSealer.OriginHead], default);

    private static async Task<string> ReadAsync(Spool spool, int batch)
    {
        (byte[] rented, int length) = await spool.ReadBodyAsync(batch, default);
        string text = Encoding.UTF8.GetString(rented, 0, length);
        BatchMemory.Pool.Return(rented);
        return text;
    }

    [Fact]
    public async Task What_was_sealed_is_read_back_and_lies_encrypted_for_its_owner_alone()
    {
        using var spool = new Spool(_folder, 7, _key);
        await WriteAsync(spool, 1, "ann@example.com");
        Assert.Equal("ann@example.com", await ReadAsync(spool, 1));
        Assert.Single(await spool.ReadOriginsAsync(1, default));
        string file = Directory.GetFiles(_folder).Single();
        Assert.DoesNotContain("example", Encoding.Latin1.GetString(File.ReadAllBytes(file)), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task Every_changed_byte_and_every_cut_is_noticed()
    {
        using var spool = new Spool(_folder, 7, _key);
        await WriteAsync(spool, 1, "body");
        string file = Directory.GetFiles(_folder).Single();
        byte[] whole = File.ReadAllBytes(file);
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] changed = [.. whole];
            changed[i] ^= 1;
            File.WriteAllBytes(file, changed);
            // A byte of the other section does not concern this one: one of the two readings must notice it.
            Exception? body = await Record.ExceptionAsync(() => ReadAsync(spool, 1)), origins = await Record.ExceptionAsync(() => spool.ReadOriginsAsync(1, default));
            Assert.Contains("SpoolDamaged", new[] { body, origins }.OfType<CcException>().Select(e => e.ErrorId));
            File.WriteAllBytes(file, whole[..i]);
            Assert.Equal("SpoolDamaged", (await Assert.ThrowsAsync<CcException>(() => spool.ReadOriginsAsync(1, default))).ErrorId);
        }
    }

    [Fact]
    public async Task Batches_are_read_in_parallel()
    {
        using var spool = new Spool(_folder, 7, _key);
        for (int batch = 1; batch <= 8; batch++) await WriteAsync(spool, batch, new string((char)('a' + batch), 200_000));
        await Parallel.ForEachAsync(Enumerable.Range(0, 200), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
            Assert.Equal(new string((char)('a' + (i % 8) + 1), 200_000), await ReadAsync(spool, (i % 8) + 1)));
    }

    [Fact]
    public async Task No_batch_can_stand_in_for_another_nor_for_another_runs()
    {
        using var spool = new Spool(_folder, 7, _key);
        await WriteAsync(spool, 1, "one");
        await WriteAsync(spool, 2, "two");
        File.Copy(Path.Combine(_folder, "00001.batch"), Path.Combine(_folder, "00002.batch"), true);
        Assert.Equal("SpoolDamaged", (await Assert.ThrowsAsync<CcException>(() => ReadAsync(spool, 2))).ErrorId);
        using var other = new Spool(_folder, 8, _key);
        Assert.Equal("SpoolDamaged", (await Assert.ThrowsAsync<CcException>(() => ReadAsync(other, 1))).ErrorId);
        using var stranger = new Spool(_folder, 7, Spool.NewKey());
        Assert.Equal("SpoolDamaged", (await Assert.ThrowsAsync<CcException>(() => ReadAsync(stranger, 1))).ErrorId);
        Assert.Equal("SpoolDamaged", (await Assert.ThrowsAsync<CcException>(() => ReadAsync(spool, 3))).ErrorId);
    }

    [Fact]
    public async Task What_is_held_by_somebody_is_not_lost_and_what_is_gone_is()
    {
        using var spool = new Spool(_folder, 7, _key);
        await WriteAsync(spool, 1, "one");
        string file = Directory.GetFiles(_folder).Single();
        // A folder in the file's place is refused as a held file is, on every system.
        File.Move(file, file + ".aside");
        Directory.CreateDirectory(file);
        CcException held = await Assert.ThrowsAsync<CcException>(() => ReadAsync(spool, 1));
        Assert.Equal(("SpoolUnreadable", CcErrorKind.Storage), (held.ErrorId, held.Kind));
        Assert.Equal("SpoolUnreadable", (await Assert.ThrowsAsync<CcException>(() => spool.ReadOriginsAsync(1, default))).ErrorId);
        Directory.Delete(file);
        Assert.Equal("SpoolDamaged", (await Assert.ThrowsAsync<CcException>(() => ReadAsync(spool, 1))).ErrorId);
        File.Move(file + ".aside", file);
        Assert.Equal("one", await ReadAsync(spool, 1));
    }

    [Fact]
    public async Task The_folder_is_made_with_the_first_batch_for_its_owner_alone()
    {
        string folder = Path.Combine(_folder, "made");
        using var spool = new Spool(folder, 7, _key);
        Assert.False(Directory.Exists(folder));
        await WriteAsync(spool, 1, "one");
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        Directory.Delete(folder, recursive: true);
        // Gone in the middle of a run: told, and not quietly made anew.
        Assert.Equal("SpoolNotWritable", (await Assert.ThrowsAsync<CcException>(() => WriteAsync(spool, 2, "two"))).ErrorId);
    }

    public void Dispose() => Directory.Delete(_folder, true);
}
