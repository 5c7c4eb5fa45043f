using System.Globalization;
using System.Text;
using CcExport.Engine.Profiles;
using Parquet;
using Parquet.Schema;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>Segments in Parquet files, written by Parquet.Net here.</summary>
public sealed class ParquetTests : IDisposable
{
    private static readonly string[] Names = ["EMail", "Name"];
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string?[][] Rows(int from, int count) => [.. Enumerable.Range(from, count)
        .Select(i => new string?[] { $"p{i}@example.com", i % 3 == 0 ? null : i % 3 == 1 ? "" : $"Žofie {i % 5} 漢字 😀" })];

    public static TheoryData<CompressionMethod, bool> Ways
    {
        get
        {
            var ways = new TheoryData<CompressionMethod, bool>();
            foreach (CompressionMethod method in new[] { CompressionMethod.None, CompressionMethod.Snappy, CompressionMethod.Gzip, CompressionMethod.Brotli, CompressionMethod.Zstd, CompressionMethod.Lz4Raw })
            {
                ways.Add(method, true);
                ways.Add(method, false);
            }
            return ways;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Row_groups_follow_each_other_in_any_compression_plain_or_with_a_dictionary(CompressionMethod compression, bool dictionary)
    {
        string?[][][] groups = [Rows(0, 2500), Rows(2500, 1), Rows(2501, 1200)];
        string path = _folder.Write("VIP.parquet", await ParquetFiles.TextAsync(Names, groups, compression, dictionary));
        FileSource source = FileSource.Open(path);
        Assert.Equal("VIP", Assert.Single(await source.GetSegmentsAsync(default)).Name);
        Assert.Equal(Names, await source.GetColumnsAsync("VIP", default));
        Assert.Equal(groups.SelectMany(g => g), await source.RowsAsync("VIP", "EMail", "Name"));
        // Another order, one of them twice, names without regard to case.
        Assert.Equal(groups.SelectMany(g => g).Select(r => new[] { r[1], r[0], r[1] }), await source.RowsAsync("VIP", "name", "EMAIL", "Name"));
    }

    [Fact]
    public async Task Values_of_all_kinds_have_the_text_of_a_CSV_export()
    {
        var day = new DateTime(2026, 3, 9, 17, 4, 5, 120, DateTimeKind.Utc);
        var id = Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e");
        byte[] file = await ParquetFiles.OfAsync(
            [
                new DataField<bool>("b"), new DataField<int>("i"), new DataField<long>("l"), new DataField<uint>("u"), new DataField<ulong>("ul"), new DataField<short>("s"),
                new DataField<float>("f"), new DataField<double>("d"), new DecimalDataField("m", 10, 2), new DecimalDataField("m4", 9, 4), new DecimalDataField("mm", 38, 6),
                new DataField<DateOnly>("day"), new DateTimeDataField("stamp", DateTimeFormat.Timestamp, true, DateTimeTimeUnit.Micros),
                new DateTimeDataField("local", DateTimeFormat.Timestamp, false, DateTimeTimeUnit.Millis), new DateTimeDataField("old", DateTimeFormat.Impala), new DataField<Guid>("g"),
                new DataField<int>("maybe", true), new DataField<DateTime>("when", true),
            ],
            async (group, fields) =>
            {
                await group.WriteAsync<bool>(fields[0], new[] { true, false });
                await group.WriteAsync<int>(fields[1], new[] { -5, int.MaxValue });
                await group.WriteAsync<long>(fields[2], new[] { long.MinValue, 7 });
                await group.WriteAsync<uint>(fields[3], new[] { uint.MaxValue, 0u });
                await group.WriteAsync<ulong>(fields[4], new[] { ulong.MaxValue, 0ul });
                await group.WriteAsync<short>(fields[5], new short[] { -3, 4 });
                await group.WriteAsync<float>(fields[6], new[] { 0.1f, -2f });
                await group.WriteAsync<double>(fields[7], new[] { 0.1, 1e21 });
                await group.WriteAsync<decimal>(fields[8], new[] { 12.5m, -0.07m });
                await group.WriteAsync<decimal>(fields[9], new[] { 0.0001m, -99999.9999m });
                await group.WriteAsync<decimal>(fields[10], new[] { 12345678901234567890.123456m, -1m });
                await group.WriteAsync<DateOnly>(fields[11], new[] { new DateOnly(2026, 2, 28), new DateOnly(1899, 12, 31) });
                await group.WriteAsync<DateTime>(fields[12], new[] { day, day.Date });
                await group.WriteAsync<DateTime>(fields[13], new[] { day, day.Date });
                await group.WriteAsync<DateTime>(fields[14], new[] { day, day.Date });
                await group.WriteAsync<Guid>(fields[15], new[] { id, Guid.Empty });
                await group.WriteAsync<int>(fields[16], new int?[] { null, 3 });
                await group.WriteAsync<DateTime>(fields[17], new DateTime?[] { day, null });
            });
        FileSource source = FileSource.Open(_folder.Write("t.parquet", file));
        IReadOnlyList<string> columns = await source.GetColumnsAsync("t", default);
        List<string?[]> rows = await source.RowsAsync("t", [.. columns]);
        Assert.Equal(["b", "i", "l", "u", "ul", "s", "f", "d", "m", "m4", "mm", "day", "stamp", "local", "old", "g", "maybe", "when"], columns);
        Assert.Equal<IEnumerable<string?>>(
            ["true", "-5", "-9223372036854775808", "4294967295", "18446744073709551615", "-3", "0.1", "0.1", "12.50", "0.0001", "12345678901234567890.123456", "2026-02-28",
                "2026-03-09T17:04:05.12Z", "2026-03-09T17:04:05.12", "2026-03-09T17:04:05.12Z", id.ToString(), null, "2026-03-09T17:04:05.12Z"],
            rows[0]);
        Assert.Equal<IEnumerable<string?>>(
            ["false", "2147483647", "7", "0", "0", "4", "-2", "1E+21", "-0.07", "-99999.9999", "-1.000000", "1899-12-31",
                "2026-03-09T00:00:00Z", "2026-03-09T00:00:00", "2026-03-09T00:00:00Z", Guid.Empty.ToString(), "3", null],
            rows[1]);
    }

    [Fact]
    public async Task Lists_and_records_are_not_offered_and_refused_by_name()
    {
        byte[] file = await ParquetFiles.OfAsync(
            [new DataField<string>("EMail"), new DataField<int[]>("Tags"), new StructField("Home", new DataField<string>("City"), new DataField<string>("EMail")), new DataField<string>("a.b c")],
            async (group, fields) =>
            {
                await group.WriteAsync(fields[0], new[] { "a@example.com" });
                await group.WriteAllPartsAsync<int>(fields[1], new[] { 1, 2 }, new[] { 1, 1 }, new[] { 0, 1 }, default);
                await group.WriteAllPartsAsync<ReadOnlyMemory<char>>(fields[2], new[] { "Rome".AsMemory() }, new[] { 2 }, null, default);
                await group.WriteAllPartsAsync<ReadOnlyMemory<char>>(fields[3], new[] { "x".AsMemory() }, new[] { 2 }, null, default);
                await group.WriteAsync(fields[4], new[] { "odd" });
            });
        FileSource source = FileSource.Open(_folder.Write("t.parquet", file));
        Assert.Equal(["EMail", "a.b c"], await source.GetColumnsAsync("t", default));
        Assert.Equal([["odd", "a@example.com"]], await source.RowsAsync("t", "a.b c", "email"));
        CcException nested = await Readers.FailsAsync("ParquetColumnNested", () => source.RowsAsync("t", "EMail", "tags"));
        Assert.Contains("'tags'", nested.Message, StringComparison.Ordinal);
        await Readers.FailsAsync("ParquetColumnNested", () => source.RowsAsync("t", "Home"));
        CcException gone = await Readers.FailsAsync("ColumnNotFound", () => source.RowsAsync("t", "E-Mail"));
        Assert.Contains("'EMail'", gone.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_of_files_is_one_segment_and_folders_of_partitions_give_their_columns()
    {
        _folder.Write("all/Plain/part_2.parquet", await ParquetFiles.TextAsync(Names, [[["c@example.com", "C"]]]));
        _folder.Write("all/Plain/part_10.parquet", await ParquetFiles.TextAsync(Names, [[["d@example.com", "D"]]]));
        _folder.Write("all/Plain/_SUCCESS", "");
        _folder.Write("all/VIP/Country=UA/City=Stara%20Zagora/a.parquet", await ParquetFiles.TextAsync(Names, [[["a@example.com", "A"]]]));
        _folder.Write("all/VIP/Country=__HIVE_DEFAULT_PARTITION__/City=x/b.parquet", await ParquetFiles.TextAsync(Names, [[["b@example.com", "B"], ["b2@example.com", null]]]));
        FileSource source = FileSource.Open(_folder["all"]);
        Assert.Equal(["Plain", "VIP"], (await source.GetSegmentsAsync(default)).Select(s => s.Name));
        Assert.Equal([["c@example.com"], ["d@example.com"]], await source.RowsAsync("Plain", "EMail"));
        Assert.Equal(["EMail", "Name", "Country", "City"], await source.GetColumnsAsync("VIP", default));
        Assert.Equal(
            [["x", "b@example.com", null, "B"], ["x", "b2@example.com", null, null], ["Stara Zagora", "a@example.com", "UA", "A"]],
            (await source.RowsAsync("VIP", "City", "EMail", "Country", "Name")).OrderByDescending(r => r[0], StringComparer.Ordinal));
        // A folder that is partitioned itself is one segment.
        Assert.Equal("VIP", Assert.Single(await FileSource.Open(_folder["all/VIP"]).GetSegmentsAsync(default)).Name);
    }

    [Fact]
    public async Task A_Delta_table_is_refused_whose_files_hold_deleted_rows_too()
    {
        _folder.Write("all/VIP/part.parquet", await ParquetFiles.TextAsync(Names, [[["a@example.com", "A"]]]));
        _folder.Write("all/VIP/_delta_log/00000.json", "{}");
        foreach ((string path, string segment) in new[] { ("all", "VIP"), ("all/VIP", "part"), ("all/VIP/part.parquet", "part") })
            await Readers.FailsAsync("DeltaTable", () => FileSource.Open(_folder[path]).RowsAsync(segment, "EMail"));
    }

    [Fact]
    public async Task Within_a_table_what_lies_above_tells_that_it_is_one()
    {
        byte[] file = await ParquetFiles.TextAsync(Names, [[["a@example.com", "A"]]]);
        _folder.Write("all/Delta/_delta_log/00000.json", "{}");
        _folder.Write("all/Delta/Country=UA/City=x/p.parquet", file);
        _folder.Write("all/Hudi/.hoodie/hoodie.properties", "");
        _folder.Write("all/Hudi/Country=UA/p.parquet", file);
        _folder.Write("plainly/Hudi/.hoodie/hoodie.properties", "");
        _folder.Write("plainly/Hudi/2026-01-01/p.parquet", file);
        _folder.Write("plainly/Hudi/2026-01-02/.hoodie_partition_metadata", "");
        _folder.Write("plainly/Hudi/2026-01-02/p.parquet", file);
        _folder.Write("all/Iceberg/metadata/v1.metadata.json", "{}");
        _folder.Write("all/Iceberg/data/p.parquet", file);
        _folder.Write("all/Plain/metadata/notes.txt", "none");
        _folder.Write("all/Plain/data/Country=UA/p.parquet", file);
        (string Id, string Path, string Segment)[] tables =
        [
            ("DeltaTable", "all", "Delta"),
            ("DeltaTable", "all/Delta/Country=UA", "Country=UA"),
            ("DeltaTable", "all/Delta/Country=UA/City=x", "p"),
            ("DeltaTable", "all/Delta/Country=UA/City=x/p.parquet", "p"),
            ("HudiTable", "all", "Hudi"),
            ("HudiTable", "all/Hudi/Country=UA/p.parquet", "p"),
            ("IcebergTable", "all/Iceberg", "data"),
            ("IcebergTable", "all/Iceberg/data", "p"),
            ("IcebergTable", "all/Iceberg/data/p.parquet", "p"),
        ];
        foreach ((string id, string path, string segment) in tables)
        {
            CcException e = await Readers.FailsAsync(id, () => FileSource.Open(_folder[path]).RowsAsync(segment, "EMail"));
            Assert.Equal(_folder["all/" + id[..^"Table".Length]], e.Subject);
        }
        Assert.Equal([["a@example.com"]], await FileSource.Open(_folder["all/Plain/data/Country=UA"]).RowsAsync("p", "EMail"));
        // Partitions need not be named so that they are known for some.
        await Readers.FailsAsync("HudiTable", () => FileSource.Open(_folder["plainly/Hudi"]).RowsAsync("2026-01-01", "EMail"));
        await Readers.FailsAsync("HudiTable", () => FileSource.Open(_folder["plainly/Hudi/2026-01-02"]).RowsAsync("p", "EMail"));
    }

    [Fact]
    public async Task A_folder_called_metadata_beside_texts_is_somebodys_own()
    {
        _folder.Write("data/vip.csv", "EMail\na@example.com\n");
        _folder.Write("metadata/vip.metadata.json", "{}");
        Assert.Equal([["a@example.com"]], await FileSource.Open(_folder["data/vip.csv"]).RowsAsync("vip", "EMail"));
    }

    [Fact]
    public async Task Columns_of_the_folders_alone_are_read_for_each_profile()
    {
        _folder.Write("VIP/Country=HR/a.parquet", await ParquetFiles.TextAsync(Names, [[["a@example.com", "A"], ["b@example.com", "B"]], [["c@example.com", null]]]));
        _folder.Write("VIP/Country=UA/b.parquet", await ParquetFiles.TextAsync(Names, [[["d@example.com", "D"]]]));
        Assert.Equal([["HR"], ["HR"], ["HR"], ["UA"]], await FileSource.Open(_folder["VIP"]).RowsAsync("VIP", "Country"));
    }

    [Fact]
    public async Task A_file_of_another_name_is_known_by_its_first_bytes()
    {
        string path = _folder.Write("export.dat", await ParquetFiles.TextAsync(Names, [[["a@example.com", "A"]]]));
        Assert.Equal([["a@example.com"]], await FileSource.Open(path).RowsAsync("export", "EMail"));
        CcException named = await Readers.FailsAsync("InputNotText", () => FileSource.Open(_folder.Write("x.csv", File.ReadAllBytes(path))).RowsAsync("x", "EMail"));
        Assert.Contains(".parquet", named.Remedy, StringComparison.Ordinal);
        await Readers.FailsAsync("ParquetDamaged", () => FileSource.Open(_folder.Write("y.parquet", "EMail,Name\na@example.com,A\n")).RowsAsync("y", "EMail"));
        await Readers.FailsAsync("InputEmpty", () => FileSource.Open(_folder.Write("z.parquet", "")).RowsAsync("z", "EMail"));
    }

    [Fact]
    public async Task A_damaged_cut_or_encrypted_file_fails_with_its_name_and_never_otherwise()
    {
        byte[] whole = await ParquetFiles.TextAsync(Names, [Rows(0, 300), Rows(300, 50)], CompressionMethod.Snappy);
        async Task<List<string?[]>> ReadAsync(byte[] bytes)
        {
            string path = _folder.Write("v.parquet", bytes);
            try
            {
                return await FileSource.Open(path).RowsAsync("v", "EMail", "Name");
            }
            catch (CcException e)
            {
                // A column's name may be what changed.
                Assert.True(e.Kind == CcErrorKind.InvalidData || e.ErrorId is "ColumnNotFound" or "ParquetColumnNested", e.ErrorId);
                Assert.Contains("v.parquet", e.Message, StringComparison.Ordinal);
                return [];
            }
        }
        for (int length = 1; length < whole.Length; length += 97) Assert.Empty(await ReadAsync(whole[..length]));
        byte[] encrypted = [.. whole[..^4], .. "PARE"u8];
        await Readers.FailsAsync("ParquetEncrypted", () => FileSource.Open(_folder.Write("e.parquet", encrypted)).RowsAsync("e", "EMail"));
        // One byte that is another one: it is noticed, or harmless; it never hangs, and never fails in words of the library.
        var random = new Random(7);
        for (int i = 0; i < 400; i++)
        {
            byte[] wrong = (byte[])whole.Clone();
            wrong[random.Next(wrong.Length)] ^= (byte)(1 << random.Next(8));
            await ReadAsync(wrong).WaitAsync(TimeSpan.FromSeconds(60));
        }
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_named_by_their_column()
    {
        byte[] file = await ParquetFiles.OfAsync([new DataField<byte[]>("Raw")], (group, fields) => group.WriteAsync(fields[0], new[] { new byte[] { 0x41, 0xC3 }, [0xA9] }));
        CcException e = await Readers.FailsAsync("InputNotUtf8", () => FileSource.Open(_folder.Write("t.parquet", file)).RowsAsync("t", "Raw"));
        Assert.Contains("'Raw'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_changes_while_it_is_read_fails_the_reading()
    {
        byte[] bytes = await ParquetFiles.PeopleAsync(5000);
        string path = _folder.Write("p.parquet", bytes);
        CcException e = await Readers.FailsAsync("InputChanged", async () =>
        {
            await foreach (ProfileBatch batch in FileSource.Open(path).ReadAsync("p", ["EMail"], default))
            {
                if (batch.FirstRow == 1) File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(1));
            }
        });
        Assert.Contains("p.parquet", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Very_long_values_make_small_batches()
    {
        string?[][] rows = [.. Enumerable.Range(0, 40).Select(i => new string?[] { $"p{i}@example.com", new string((char)('a' + (i % 26)), 400_000) })];
        FileSource source = FileSource.Open(_folder.Write("p.parquet", await ParquetFiles.TextAsync(Names, [rows])));
        Assert.Equal(rows, await source.RowsAsync("p", "EMail", "Name"));
        await foreach (ProfileBatch batch in source.ReadAsync("p", ["Name"], default)) Assert.InRange(batch.Text.Length, 0, 16 * 1024 * 1024);
    }

    /// <summary>A page header may say anything of the page's length: Parquet.Net must not be led back to an earlier page for ever.</summary>
    [Fact]
    public void What_is_not_fetched_cannot_be_read_and_pages_go_forward_only()
    {
        var window = new WindowStream(100);
        window.Show(10, Encoding.ASCII.GetBytes("0123456789"));
        window.Seek(12, SeekOrigin.Begin);
        Assert.Equal('2', window.ReadByte());
        Assert.Throws<InvalidDataException>(() => window.Seek(11, SeekOrigin.Begin));
        window.Position = 20;
        Assert.Throws<InvalidDataException>(() => window.ReadByte());
        Assert.Equal("100", window.Length.ToString(CultureInfo.InvariantCulture));
    }
}
