using System.Text;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>Which files of a folder are one segment, and what is wrong with one while the others are read.</summary>
public sealed class DataFilesTests : IDisposable
{
    private const string Csv = "EMail\na@example.com\n";
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static Task<byte[]> ParquetAsync() => ParquetFiles.TextAsync(["EMail"], [[["b@example.com"]]]);

    private static async Task<string[]> NamesAsync(FileSource source) => [.. (await source.GetSegmentsAsync(default)).Select(segment => segment.Name)];

    [Theory]
    [InlineData("VIP/stray.csv")]
    [InlineData("VIP/stray.parquet")]
    [InlineData("VIP/Country=UA/stray.csv")]
    [InlineData("VIP/Country=UA/more/stray.parquet")]
    public async Task A_file_that_is_in_no_partition_fails_its_segment_by_name_and_no_other(string stray)
    {
        byte[] file = await ParquetAsync();
        _folder.Write("VIP/Country=UA/a.parquet", file);
        _folder.Write("Plain/a.csv", Csv);
        string path = _folder.Write(stray, stray.EndsWith(".parquet", StringComparison.Ordinal) ? file : Encoding.UTF8.GetBytes(Csv));
        FileSource source = FileSource.Open(_folder.Path);
        Assert.Equal<string[]>(["Plain", "VIP"], await NamesAsync(source));
        CcException e = await Readers.FailsAsync("PartitionMixed", () => source.RowsAsync("VIP", "EMail"));
        Assert.Contains($"'{path}'", e.Message, StringComparison.Ordinal);
        await Readers.FailsAsync("PartitionMixed", () => source.GetColumnsAsync("VIP", default));
        Assert.Equal([["a@example.com"]], await source.RowsAsync("Plain", "EMail"));
        if (stray.Contains('=', StringComparison.Ordinal)) await Readers.FailsAsync("PartitionMixed", () => FileSource.Open(_folder["VIP"]).RowsAsync("VIP", "EMail"));
    }

    [Fact]
    public async Task Notes_of_other_programs_within_a_partition_are_left_out()
    {
        _folder.Write("VIP/Country=UA/a.parquet", await ParquetAsync());
        _folder.Write("VIP/Country=UA/_SUCCESS", "");
        _folder.Write("VIP/Country=UA/_temporary/half.parquet", "half");
        _folder.Write("VIP/Country=UA/.crc/a.csv", Csv);
        Assert.Equal([["b@example.com", "UA"]], await FileSource.Open(_folder.Path).RowsAsync("VIP", "EMail", "Country"));
    }

    [Fact]
    public async Task A_folder_that_may_not_be_looked_into_fails_when_it_is_read_and_not_before()
    {
        _folder.Write("Closed/a.csv", Csv);
        _folder.Write("Plain/a.csv", Csv);
        FileSource source = FileSource.Open(new ClosedTree(_folder["Closed"]), _folder.Path, null);
        Assert.Equal<string[]>(["Closed", "Plain"], await NamesAsync(source));
        CcException e = await Readers.FailsAsync("InputAccessDenied", () => source.RowsAsync("Closed", "EMail"));
        Assert.Equal(CcErrorKind.Permission, e.Kind);
        Assert.Contains(_folder["Closed"], e.Message, StringComparison.Ordinal);
        Assert.Equal([["a@example.com"]], await source.RowsAsync("Plain", "EMail"));
    }

    [Fact]
    public async Task What_a_system_keeps_at_the_root_of_a_disk_is_no_segment()
    {
        foreach (string kept in new[] { "lost+found", "System Volume Information", "$RECYCLE.BIN", "Plain" }) _folder.Write($"{kept}/a.csv", Csv);
        Assert.Equal<string[]>(["Plain"], await NamesAsync(FileSource.Open(_folder.Path)));
    }

    [Fact]
    public async Task A_slash_at_the_end_changes_no_name()
    {
        _folder.Write("VIP/Country=UA/a.parquet", await ParquetAsync());
        FileSource source = FileSource.Open(_folder["VIP"] + "/");
        Assert.Equal<string[]>(["VIP"], await NamesAsync(source));
        Assert.Equal([["b@example.com", "UA"]], await source.RowsAsync("VIP", "EMail", "Country"));
    }

    /// <summary>Folders of this machine, one of which may not be listed: to whoever runs tests as root none is closed.</summary>
    private sealed class ClosedTree(string closed) : IFileTree
    {
        private readonly DiskTree _disk = DiskTree.Instance;

        public StringComparison Comparison => _disk.Comparison;

        public ValueTask LookAsync(CancellationToken ct) => _disk.LookAsync(ct);

        public bool IsFile(string path) => _disk.IsFile(path);

        public bool IsFolder(string path) => _disk.IsFolder(path);

        public IEnumerable<string> FilesIn(string folder) => folder == closed ? throw Denied() : _disk.FilesIn(folder);

        public IEnumerable<string> FoldersIn(string folder) => folder == closed ? throw Denied() : _disk.FoldersIn(folder);

        public string Join(string folder, params IEnumerable<string> steps) => _disk.Join(folder, steps);

        public string NameOf(string path) => _disk.NameOf(path);

        public string FolderOf(string path) => _disk.FolderOf(path);

        public string? RealOf(string path) => _disk.RealOf(path);

        public bool IsInside(string path, string folder) => _disk.IsInside(path, folder);

        public (long Bytes, DateTimeOffset? Written)? FactsOf(string path) => _disk.FactsOf(path);

        public void Check(string path) => _disk.Check(path);

        public bool IsUnsafe(string step) => _disk.IsUnsafe(step);

        public Task<Stream?> OpenAsync(string path, bool allowEmpty, CancellationToken ct) => _disk.OpenAsync(path, allowEmpty, ct);

        public Task<IPlacedFile> OpenPlacedAsync(string path, CancellationToken ct) => _disk.OpenPlacedAsync(path, ct);

        private CcException Denied() => InputErrors.Opening(closed, new UnauthorizedAccessException());
    }
}
