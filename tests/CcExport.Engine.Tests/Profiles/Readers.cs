using System.IO.Compression;
using System.Text;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>What the tests of reading share: a folder that goes away, and whole contents at once.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("ccexport-readers-").FullName;

    public string this[string name] => System.IO.Path.Combine([Path, .. name.Split('/')]);

    public string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    public string Write(string name, byte[] bytes)
    {
        string path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

internal static class Readers
{
    public static byte[] Gzip(byte[] bytes)
    {
        using var to = new MemoryStream();
        using (var gzip = new GZipStream(to, CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(bytes);
        return to.ToArray();
    }

    public static byte[] Gzip(string text) => Gzip(Encoding.UTF8.GetBytes(text));

    public static async Task<byte[]> AllAsync(Stream stream)
    {
        using var to = new MemoryStream();
        await using (stream) await stream.CopyToAsync(to);
        return to.ToArray();
    }

    public static async Task<string> TextAsync(string path, string? encoding = null)
        => Encoding.UTF8.GetString(await AllAsync(await InputFile.OpenAsync(path, encoding, default)));

    public static async Task<CcException> FailsAsync(string id, string path, string? encoding = null)
        => Is(id, await Assert.ThrowsAsync<CcException>(() => TextAsync(path, encoding)));

    public static CcException Is(string id, CcException e)
    {
        Assert.Equal(id, e.ErrorId);
        Assert.False(string.IsNullOrWhiteSpace(e.Message));
        Assert.False(string.IsNullOrWhiteSpace(e.Remedy), $"{id} has no next step");
        Assert.DoesNotContain("   at ", e.Message, StringComparison.Ordinal);
        return e;
    }

    /// <summary>All rows: null is a value that is not there; a row with a fault is its name alone.</summary>
    public static async Task<List<string?[]>> RowsAsync(IAsyncEnumerable<ProfileBatch> batches, int columns, long firstRow = 1)
    {
        var rows = new List<string?[]>();
        await foreach (ProfileBatch batch in batches)
        {
            Assert.Equal(firstRow + rows.Count, batch.FirstRow);
            Assert.True(batch.Rows > 0);
            for (int row = 0; row < batch.Rows; row++)
            {
                rows.Add(batch.FaultOf(row) != RowFault.None
                    ? [batch.FaultOf(row).ToString()]
                    : [.. Enumerable.Range(0, columns).Select(c => batch.IsNull(row, c) ? null : Encoding.UTF8.GetString(batch[row, c]))]);
            }
        }
        return rows;
    }

    public static Task<List<string?[]>> RowsAsync(this IProfileSource source, string segment, params string[] columns)
        => RowsAsync(source.ReadAsync(segment, columns, default), columns.Length);

    public static async Task<CcException> FailsAsync(string id, Func<Task> action)
        => Is(id, await Assert.ThrowsAsync<CcException>(action));
}

/// <summary>Bytes in reads of at most so many.</summary>
internal sealed class SlowStream(byte[] bytes, int most) : MemoryStream(bytes)
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        => new(Read(buffer.Span[..Math.Min(most, buffer.Length)]));
}
