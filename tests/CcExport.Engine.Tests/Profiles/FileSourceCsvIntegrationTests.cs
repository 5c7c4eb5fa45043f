using System.Text;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>Sources down to their rows, where the rows are delimited text.</summary>
public sealed class FileSourceCsvIntegrationTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Task<List<string?[]>> ReadAsync(string segment, params string[] columns) => FileSource.Open(_folder.Path).RowsAsync(segment, columns);

    [Fact]
    public async Task A_file_is_read_by_its_header_and_a_header_alone_is_no_rows()
    {
        string path = _folder.Write("people.csv", "Id,EMail\n1,a@b.example\n2,c@d.example\n");
        Assert.Equal([["a@b.example", "1"], ["c@d.example", "2"]], await FileSource.Open(path).RowsAsync("people", "email", "Id"));
        Assert.Equal(["Id", "EMail"], await FileSource.Open(path).GetColumnsAsync("people", default));
        Assert.Empty(await FileSource.Open(_folder.Write("head.csv", "Id,EMail\n")).RowsAsync("head", "EMail"));
        CcException e = await Readers.FailsAsync("ColumnNotFound", () => FileSource.Open(path).RowsAsync("people", "Emial"));
        Assert.Contains("Id, EMail", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_are_obeyed()
    {
        string path = _folder.Write("people.csv", Encoding.Latin1.GetBytes("1|J\u00fcrgen|a,b\n"));
        FileSource source = FileSource.Open(path, new(Encoding: "windows-1252", Delimiter: '|', Header: ["Id", "Name", "Note"]));
        Assert.Equal([["J\u00fcrgen", "a,b"]], await source.RowsAsync("people", "Name", "Note"));
        path = _folder.Write("tabs.tsv", "Id\tEMail,x;y\n1\ta\n");
        Assert.Equal([["a"]], await FileSource.Open(path).RowsAsync("tabs", "EMail,x;y"));
        path = _folder.Write("by-content.txt", "Id;EMail\n1;a\n");
        Assert.Equal([["a"]], await FileSource.Open(path).RowsAsync("by-content", "EMail"));
        // An empty file is no empty list, whatever its columns are said to be.
        path = _folder.Write("nothing.csv", "");
        await Readers.FailsAsync("InputEmpty", () => FileSource.Open(path, new(Header: ["EMail"])).RowsAsync("nothing", "EMail"));
    }

    [Fact]
    public async Task Parts_are_one_segment_each_with_its_own_header()
    {
        _folder.Write("VIP/VIP_1.csv", "Id,EMail\n1,a\n2,b\n");
        _folder.Write("VIP/VIP_2.csv.gz", Readers.Gzip("EMail,Id\nc,3\n"));
        Assert.Equal([["1", "a"], ["2", "b"], ["3", "c"]], await ReadAsync("VIP", "Id", "EMail"));
        _folder.Write("VIP/VIP_3.csv", "Id\n4\n");
        CcException e = await Readers.FailsAsync("ColumnNotFound", () => ReadAsync("VIP", "EMail"));
        Assert.Contains("VIP_3.csv", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF8_fail_the_reading()
    {
        _folder.Write("a.csv", Encoding.Latin1.GetBytes("Id,Name\n1,J\u00fcrgen\n"));
        CcException e = await Readers.FailsAsync("InputNotUtf8", () => ReadAsync("a", "Name"));
        Assert.Contains("line 2, byte offset 11", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_export_without_headers_takes_its_columns_from_the_model()
    {
        _folder.Write("VIP/2024/VIP_1.csv", "1,a@b.example\n");
        _folder.Write("VIP/2024/VIP_2.csv.gz", Readers.Gzip("2,c@d.example\n\"3\",\"e\"\"f\"\n"));
        _folder.Write("VIP/2024/VIP_3.csv", "");
        _folder.Write("VIP/2023/VIP_1.csv", "9,old@b.example\n");
        _folder.Write("model.json", CustomerInsightsFolderTests.Model("\"https://h/c/E/VIP/2024/VIP_1.csv\"",
            """, { "name": "p2", "location": "https://h/c/E/VIP/2024/VIP_2.csv" }, { "name": "p3", "location": "https://h/c/E/VIP/2024/VIP_3.csv" }"""));
        Assert.Equal([["a@b.example", "1"], ["c@d.example", "2"], ["e\"f", "3"]], await ReadAsync("VIP", "EMail", "CustomerId"));
    }

    [Fact]
    public async Task An_export_with_headers_is_checked_against_the_model()
    {
        const string Format = """{"$type":"CsvFormatSettings","columnHeaders":true,"delimiter":";","encoding":65001}""";
        _folder.Write("VIP_1.csv", "EMail;CustomerId\na@b.example;1\n");
        _folder.Write("model.json", CustomerInsightsFolderTests.Model("\"VIP_1.csv\"", format: Format));
        Assert.Equal([["1", "a@b.example"]], await ReadAsync("VIP", "CustomerId", "EMail"));
        _folder.Write("VIP_1.csv", "EMail;Id\na@b.example;1\n");
        CcException e = await Readers.FailsAsync("ModelHeaderMismatch", () => ReadAsync("VIP", "EMail"));
        Assert.Contains("lacks: CustomerId", e.Message, StringComparison.Ordinal);
        Assert.Contains("has 1 that model.json does not name", e.Message, StringComparison.Ordinal);
        _folder.Write("VIP_1.csv", "");
        await Readers.FailsAsync("InputEmpty", () => ReadAsync("VIP", "EMail"));
    }

    [Fact]
    public async Task An_exports_quotes_and_encoding_are_the_models_unless_the_person_says_otherwise()
    {
        _folder.Write("VIP_1.csv", Encoding.Latin1.GetBytes("\"1,M\u00fcller\n"));
        _folder.Write("model.json", CustomerInsightsFolderTests.Model("\"VIP_1.csv\"",
            format: """{"quoteStyle":"QuoteStyle.None","encoding":"windows-1252"}"""));
        Assert.Equal([["\"1", "M\u00fcller"]], await ReadAsync("VIP", "CustomerId", "EMail"));
        await Readers.FailsAsync("InputNotUtf8", () => FileSource.Open(_folder.Path, new(Encoding: "utf-8")).RowsAsync("VIP", "EMail"));
    }
}
