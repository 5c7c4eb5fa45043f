using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

public sealed class FileSourceTests : IDisposable
{
    private const string Anna = "{\"EMail\":\"anna@contoso.example\"}\n", Ben = "{\"EMail\":\"ben@contoso.example\"}\n";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static async Task<string[]> NamesAsync(string path)
        => [.. (await FileSource.Open(path).GetSegmentsAsync(default)).Select(segment => segment.Name)];

    private static async Task<string?[]> MailsAsync(string path, string segment)
        => [.. (await FileSource.Open(path).RowsAsync(segment, "EMail")).Select(row => row[0])];

    [Theory]
    [InlineData("people.jsonl", "people")]
    [InlineData("people.json", "people")]
    [InlineData("people.2024.ndjson.gz", "people.2024")]
    [InlineData("people.txt", "people")]
    [InlineData("people.gz", "people")]
    [InlineData("people", "people")]
    public async Task A_file_is_one_segment_named_after_it(string name, string segment)
    {
        byte[] text = "\n  "u8.ToArray();
        text = [.. text, .. System.Text.Encoding.UTF8.GetBytes(Anna)];
        string path = _folder.Write(name, name.EndsWith(".gz", StringComparison.Ordinal) ? Readers.Gzip(text) : text);
        Assert.Equal([segment], await NamesAsync(path));
        Assert.Equal<string?[]>(["anna@contoso.example"], await MailsAsync(path, segment));
        Assert.Equal(["EMail"], await FileSource.Open(path).GetColumnsAsync(segment.ToUpperInvariant(), default));
        Segment listed = Assert.Single(await FileSource.Open(path).GetSegmentsAsync(default));
        Assert.Equal(new FileInfo(path).Length, listed.Bytes);
        Assert.Equal(new FileInfo(path).LastWriteTimeUtc, listed.LastEvaluated);
    }

    [Fact]
    public async Task A_folder_has_its_files_and_subfolders_as_segments()
    {
        _folder.Write("b.jsonl", Ben);
        _folder.Write("a.csv", "EMail\n");
        _folder.Write(".hidden.csv", "EMail\n");
        _folder.Write("notes.docx", "no");
        _folder.Write("VIP/VIP_10.jsonl", Ben);
        _folder.Write("VIP/VIP_2.jsonl.gz", Readers.Gzip(Anna));
        _folder.Write("VIP/deep/er.jsonl", Ben);
        _folder.Write("empty/readme.md", "no");
        Assert.Equal(["a", "b", "VIP"], await NamesAsync(_folder.Path));
        Assert.Equal<string?[]>(["anna@contoso.example", "ben@contoso.example"], await MailsAsync(_folder.Path, "VIP"));
    }

    [Fact]
    public async Task An_empty_folder_has_no_segments()
    {
        CcException e = await Readers.FailsAsync("NoSegments", () => NamesAsync(_folder.Path));
        Assert.Contains(".csv", e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Links_in_a_circle_end()
    {
        _folder.Write("sub/a.jsonl", Anna);
        Directory.CreateSymbolicLink(_folder["sub/up"], _folder.Path);
        Directory.CreateSymbolicLink(_folder["self"], _folder.Path);
        Directory.CreateSymbolicLink(_folder["loop"], _folder["loop"]);
        File.CreateSymbolicLink(_folder["one.jsonl"], _folder["two.jsonl"]);
        File.CreateSymbolicLink(_folder["two.jsonl"], _folder["one.jsonl"]);
        IReadOnlyList<Segment> segments = await FileSource.Open(_folder.Path).GetSegmentsAsync(default);
        Assert.Equal(["one", "two", "sub"], segments.Select(segment => segment.Name));
        Assert.Null(segments[0].Bytes);
        Assert.Equal<string?[]>(["anna@contoso.example"], await MailsAsync(_folder.Path, "sub"));
        await Readers.FailsAsync("InputLinkLoop", () => MailsAsync(_folder.Path, "one"));
        await Readers.FailsAsync("InputLinkLoop", () => NamesAsync(_folder["loop"]));
    }

    [Fact]
    public async Task What_does_not_exist_is_told_at_the_first_question()
    {
        await Readers.FailsAsync("InputNotFound", () => NamesAsync(_folder["none.csv"]));
        await Readers.FailsAsync("InputNotFound", () => NamesAsync(_folder["none/"]));
        await Readers.FailsAsync("InputEmpty", () => MailsAsync(_folder.Write("e.jsonl", ""), "e"));
        await Readers.FailsAsync("InputEmpty", () => MailsAsync(_folder.Write("e.csv", ""), "e"));
    }

    [Fact]
    public async Task A_wrong_segment_lists_those_that_exist()
    {
        _folder.Write("Customers.jsonl", Anna);
        _folder.Write("VIP.jsonl", Anna);
        CcException e = await Readers.FailsAsync("SegmentNotFound", () => MailsAsync(_folder.Path, "Custmers"));
        Assert.Equal(CcErrorKind.NotFound, e.Kind);
        Assert.Contains("Customers, VIP", e.Message, StringComparison.Ordinal);
        Assert.Contains("'Customers'", e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_segments_of_one_name_are_told_apart_by_their_files()
    {
        _folder.Write("a.jsonl", Anna);
        _folder.Write("a.json.gz", Readers.Gzip(Ben));
        Assert.Equal(["a", "a"], await NamesAsync(_folder.Path));
        CcException e = await Readers.FailsAsync("SegmentAmbiguous", () => MailsAsync(_folder.Path, "a"));
        Assert.Contains("a.json.gz", e.Message, StringComparison.Ordinal);
        Assert.Contains("a.jsonl", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_column_of_JSON_that_comes_late_is_read_as_it_was_asked_for()
    {
        string path = _folder.Write("late.jsonl", string.Concat(Enumerable.Repeat(Anna, 149)) + "{\"EMail\":\"zoe@contoso.example\",\"Points\":7}\n");
        FileSource source = FileSource.Open(path);
        IReadOnlyList<string> existing = await source.GetColumnsAsync("late", default);
        Assert.Equal(["EMail"], existing);
        Assert.False(source.HasAllColumns("late"));
        IReadOnlyList<string> asked = Columns.Spell(["Points", "email"], existing, source, "late");
        Assert.Equal(["Points", "EMail"], asked);
        List<string?[]> rows = await source.RowsAsync("late", [.. asked]);
        Assert.Equal<string?[]>([null, "anna@contoso.example"], rows[0]);
        Assert.Equal<string?[]>(["7", "zoe@contoso.example"], rows[149]);
    }

    [Fact]
    public async Task The_columns_of_delimited_text_are_all_in_its_header()
    {
        FileSource source = FileSource.Open(_folder.Write("a.csv", "EMail\nanna@contoso.example\n"));
        IReadOnlyList<string> existing = await source.GetColumnsAsync("a", default);
        Assert.True(source.HasAllColumns("a"));
        Readers.Is("ColumnNotFound", Assert.Throws<CcException>(() => Columns.Spell(["Points"], existing, source, "a")));
    }

    [Fact]
    public async Task A_column_may_be_in_one_file_of_JSON_and_not_in_another()
    {
        _folder.Write("VIP/VIP_1.jsonl", "{\"EMail\":\"anna@contoso.example\",\"Name\":\"Anna\"}\n");
        _folder.Write("VIP/VIP_2.jsonl", "{\"EMail\":\"ben@contoso.example\",\"City\":\"Split\"}\n");
        FileSource source = FileSource.Open(_folder.Path);
        Assert.Equal([["anna@contoso.example", "Anna", null], ["ben@contoso.example", null, "Split"]], await source.RowsAsync("VIP", "EMail", "name", "City"));
        int rows = 0;
        CcException e = await Readers.FailsAsync("ColumnNotFound", async () =>
        {
            await foreach (ProfileBatch batch in source.ReadAsync("VIP", ["EMail", "Emial"], default)) rows += batch.Rows;
        });
        Assert.Equal(2, rows);
        Assert.Contains("'VIP' has no column 'Emial'. It has: EMail, Name, City.", e.Message, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'EMail'?", e.Remedy, StringComparison.Ordinal);
        // By the first column people are known: a file without it is one of which nobody would be read.
        e = await Readers.FailsAsync("ColumnNotFound", () => source.RowsAsync("VIP", "Name", "EMail"));
        Assert.Contains("VIP_2.jsonl", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_goes_after_the_listing_fails_when_it_is_read()
    {
        string path = _folder.Write("a.jsonl", Anna);
        FileSource source = FileSource.Open(path);
        await source.GetSegmentsAsync(default);
        File.Delete(path);
        await Readers.FailsAsync("InputNotFound", () => source.RowsAsync("a", "EMail"));
    }

    [Fact]
    public void Options_are_checked_before_any_file_is()
    {
        Readers.Is("EncodingUnknown", Assert.Throws<CcException>(() => FileSource.Open("x", new(Encoding: "klingon"))));
        Readers.Is("DelimiterInvalid", Assert.Throws<CcException>(() => FileSource.Open("x", new(Delimiter: '"'))));
        Readers.Is("DelimiterInvalid", Assert.Throws<CcException>(() => FileSource.Open("x", new(Delimiter: '¦'))));
        Readers.Is("HeaderEmpty", Assert.Throws<CcException>(() => FileSource.Open("x", new(Header: []))));
    }

    [Fact]
    public async Task A_reading_can_be_stopped()
    {
        string path = _folder.Write("a.jsonl", Anna);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ProfileBatch _ in FileSource.Open(path).ReadAsync("a", ["EMail"], new CancellationToken(canceled: true))) { }
        });
    }
}
