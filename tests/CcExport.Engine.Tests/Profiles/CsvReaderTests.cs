using System.Text;
using CcExport.Engine.Profiles;
using CsCheck;
using nietras.SeparatedValues;

namespace CcExport.Engine.Tests.Profiles;

public sealed class CsvReaderTests
{
    /// <summary>All rows as text, null for a row with a fault. Blocks of a few bytes, so that every edge is crossed.</summary>
    private static async Task<(IReadOnlyList<string> Header, List<string?[]?> Rows)> ReadAsync(string text, int block = 7, CsvFormat? format = null)
    {
        var reader = new CsvReader(new MemoryStream(Encoding.UTF8.GetBytes(text)), format ?? new CsvFormat(), "file", block);
        IReadOnlyList<string> header = await reader.ReadHeaderAsync(default);
        List<string?[]?> rows = [];
        await foreach (ProfileBatch batch in reader.ReadAsync([.. Enumerable.Range(0, header.Count)], 1, default))
        {
            Assert.Equal(rows.Count + 1, batch.FirstRow);
            for (int row = 0; row < batch.Rows; row++)
            {
                rows.Add(batch.FaultOf(row) != RowFault.None
                    ? null
                    : [.. Enumerable.Range(0, header.Count).Select(c => batch.IsNull(row, c) ? null : Encoding.UTF8.GetString(batch[row, c]))]);
            }
        }
        return (header, rows);
    }

    private static string Show(IEnumerable<string?[]?> rows) => string.Join('\n', rows.Select(r => r is null ? "(fault)" : string.Join('|', r.Select(v => v ?? "(null)"))));

    private static async Task Reads(string text, string expected, CsvFormat? format = null)
    {
        foreach (int block in new[] { 1, 2, 3, 5, 8, 16, 33, 64, 4096 })
            Assert.Equal(expected, Show((await ReadAsync(text, block, format)).Rows));
    }

    [Fact]
    public Task Line_ends_of_all_kinds() => Reads("a,b\r1,2\n3,4\r\n5,6", "1|2\n3|4\n5|6");

    [Fact]
    public Task Blank_lines_are_no_records() => Reads("\n\r\na,b\n\n1,2\r\n\r\n\r3,4\n\n", "1|2\n3|4");

    [Fact]
    public Task Quotes_delimiters_and_line_breaks_in_values() => Reads("a,b\n\"1,\"\"x\"\"\",\"2\r\n3\"\n\"\",\"\"\"\"\n", "1,\"x\"|2\r\n3\n|\"");

    [Fact]
    public Task A_quote_inside_an_unquoted_value_is_a_character() => Reads("a,b\n5\" pipe,x\"y\"\n", "5\" pipe|x\"y\"");

    [Fact]
    public Task Text_after_a_closing_quote_costs_its_row_only() => Reads("a,b\n\"Big\" Joe,1\n\"ok\",2\n", "(fault)\nok|2");

    [Fact]
    public Task Ragged_rows_are_faults() => Reads("a,b\n1\n1,2,3\n1,2\n,\n", "(fault)\n(fault)\n1|2\n|");

    [Fact]
    public Task A_file_without_an_end_of_line_has_its_last_row() => Reads("a,b\n1,2", "1|2");

    [Fact]
    public Task Header_only() => Reads("a,b\r\n", "");

    [Theory]
    [InlineData(';')]
    [InlineData('\t')]
    [InlineData('|')]
    public Task The_delimiter_is_found(char delimiter) => Reads($"a{delimiter}\"b,,,,\"{delimiter}c\n1{delimiter}2{delimiter}3\n", "1|2|3");

    [Fact]
    public Task Without_quotes_a_quote_is_a_character() => Reads("a,b\n\"1,2\"\n", "\"1|2\"", new CsvFormat { Quotes = false });

    [Fact]
    public Task Without_a_header_the_first_line_is_data() => Reads("1,2\n3,4\n", "1|2\n3|4", new CsvFormat { HasHeader = false, Columns = ["x", "y"] });

    [Theory]
    [InlineData("a,b\n1,2\n3,\"4\n5,6\n", 3)]
    [InlineData("a,b\n1,\"2\"\"", 2)]
    [InlineData("a,b\n\"x\r\ny\",\"\n", 3)]
    public async Task A_quote_that_never_closes_fails_the_file_and_names_its_line(string text, int line)
    {
        foreach (int block in new[] { 1, 3, 8, 4096 })
        {
            CcException e = await Assert.ThrowsAsync<CcException>(() => ReadAsync(text, block));
            Assert.Equal("InputQuoteUnclosed", e.ErrorId);
            Assert.Contains($"line {line} ", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_quote_that_meets_one_within_a_value_of_another_line_fails_the_file_and_shows_none_of_it()
    {
        const string Text = "Email,Name\na@x.example,\"Ann\nb@x.example,Bob\ny@x.example,Yan\nz@x.example,\"Zoe\"\n";
        foreach (int block in new[] { 1, 3, 8, 4096 })
        {
            CcException e = Readers.Is("InputQuoteUnclosed", await Assert.ThrowsAsync<CcException>(() => ReadAsync(Text, block)));
            Assert.Contains("line 2 ", e.Message, StringComparison.Ordinal);
            foreach (string value in new[] { "Ann", "Bob", "Yan", "Zoe", "x.example" }) Assert.DoesNotContain(value, $"{e.Message} {e.Remedy}", StringComparison.Ordinal);
        }
        await Reads("a,b\n\"x\ny\",1\n\"p\r\nq\",\"2\"\n", "x\ny|1\np\r\nq|2");
        await Reads("a,b\n\"Eve\" Smith,1\n\"ok\",2\n", "(fault)\nok|2");
        await Reads("a,b\n\"Main St\nKyiv\" ,1\n\"ok\",2\n", "(fault)\nok|2");
    }

    [Fact]
    public async Task A_record_over_the_limit_fails_the_file_and_memory_stays_bounded()
    {
        CcException e = await Assert.ThrowsAsync<CcException>(() => ReadAsync("a,b\n1,2\n" + new string('x', 40_000_000) + ",y\n", 1 << 16));
        Assert.Equal("InputRecordTooLong", e.ErrorId);
        Assert.Contains("line 3", e.Message, StringComparison.Ordinal);
        e = await Assert.ThrowsAsync<CcException>(() => ReadAsync("a,b\n1,\"2\n" + new string('x', 40_000_000), 1 << 16));
        Assert.Equal("InputRecordTooLong", e.ErrorId);
        Assert.Contains("quote that opens on line 2", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_the_asked_columns_come_in_the_asked_order()
    {
        var reader = new CsvReader(new MemoryStream("a,b,c\n1,\"2\"\"\",3\n"u8.ToArray()), new CsvFormat(), "file", 4);
        await reader.ReadHeaderAsync(default);
        await foreach (ProfileBatch batch in reader.ReadAsync([2, 1], 1, default))
            Assert.Equal(("3", "2\""), (Encoding.UTF8.GetString(batch[0, 0]), Encoding.UTF8.GetString(batch[0, 1])));
    }

    [Fact]
    public async Task A_column_that_is_asked_for_twice_comes_twice()
    {
        var reader = new CsvReader(new MemoryStream("a,b\n1,\"2\"\"\"\n3,4\n"u8.ToArray()), new CsvFormat(), "file", 4);
        await reader.ReadHeaderAsync(default);
        List<(string, string, string)> rows = [];
        await foreach (ProfileBatch batch in reader.ReadAsync([1, 0, 1], 1, default))
        {
            for (int row = 0; row < batch.Rows; row++)
                rows.Add((Encoding.UTF8.GetString(batch[row, 0]), Encoding.UTF8.GetString(batch[row, 1]), Encoding.UTF8.GetString(batch[row, 2])));
        }
        Assert.Equal([("2\"", "1", "2\""), ("4", "3", "4")], rows);
    }

    [Fact]
    public async Task A_first_line_of_data_is_not_repeated_in_the_message()
    {
        var reader = new CsvReader(new MemoryStream("K1,Jane,jane@contoso.com\n"u8.ToArray()), new CsvFormat(), "file");
        IReadOnlyList<string> header = await reader.ReadHeaderAsync(default);
        CcException e = Assert.Throws<CcException>(() => Columns.Find(["EMail"], header, "file"));
        Assert.Equal("ColumnNotFound", e.ErrorId);
        Assert.DoesNotContain("jane", e.Message + e.Remedy, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("-Header", e.Remedy, StringComparison.Ordinal);
    }

    /// <summary>Against another parser, and against what was written: random tables, random quoting, random line ends, random block sizes.</summary>
    [Fact]
    public void It_reads_what_was_written_as_another_parser_does()
    {
        Gen<string> value = Gen.OneOf(Gen.String[Gen.Char["ab,\"\r\n é€"], 0, 6], Gen.String[Gen.Char.AlphaNumeric, 0, 40]);
        Gen.Select(Gen.Int[2, 5], value.List[0, 60], Gen.Int[1, 80], Pick.From("\n", "\r\n"), Gen.Bool.List[8]).Sample(t =>
        {
            (int columns, List<string> values, int block, string end, List<bool> always) = t;
            var text = new StringBuilder(string.Join(',', Enumerable.Range(0, columns).Select(i => $"c{i}"))).Append(end);
            List<string?[]?> expected = [];
            for (int i = 0; i + columns <= values.Count; i += columns)
            {
                string[] row = [.. values.Skip(i).Take(columns)];
                expected.Add(row);
                text.Append(string.Join(',', row.Select((v, c) => always[c] || v.AsSpan().ContainsAny(",\"\r\n") ? '"' + v.Replace("\"", "\"\"", StringComparison.Ordinal) + '"' : v))).Append(end);
            }
            string ours = Show(ReadAsync(text.ToString(), block).GetAwaiter().GetResult().Rows);
            Assert.Equal(Show(expected), ours);

            using SepReader sep = Sep.Reader(o => o with { Sep = new Sep(','), Unescape = true }).FromText(text.ToString());
            List<string?[]?> theirs = [];
            foreach (SepReader.Row row in sep)
            {
                var cells = new string?[columns];
                for (int c = 0; c < columns; c++) cells[c] = row[c].ToString();
                theirs.Add(cells);
            }
            Assert.Equal(Show(theirs), ours);
        }, iter: 20_000, seed: "0N0XIzNsQ0O2");
    }
}
