using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CcExport.Engine.Profiles;
using CsCheck;

namespace CcExport.Engine.Tests.Profiles;

public sealed class JsonLinesReaderTests
{
    private static JsonLinesReader Reader(string text, int block = int.MaxValue)
        => new(new SlowStream(Encoding.UTF8.GetBytes(text), block), "people.jsonl");

    private static Task<List<string?[]>> RowsAsync(string text, params string[] columns)
        => Readers.RowsAsync(Reader(text).ReadAsync(columns, 1, default), columns.Length);

    [Fact]
    public async Task Columns_are_the_names_in_the_first_records()
    {
        string text = """{"EMail":"a","Name":null}""" + "\n\n" + """{"Name":"b","City":{"EMail2":1}}""" + "\n"
            + string.Concat(Enumerable.Range(0, 97).Select(_ => "{}\n")) + """{"Hundredth":1}""" + "\n" + """{"Later":1}""" + "\n";
        Assert.Equal(["EMail", "Name", "City", "Hundredth"], await Reader(text).ReadColumnsAsync(default));
        JsonLinesReader slow = Reader(text, 1);
        Assert.Equal(["EMail", "Name", "City", "Hundredth"], await slow.ReadColumnsAsync(default));
        // Discovering takes nothing, and a column that only a later record has is one.
        List<string?[]> rows = await Readers.RowsAsync(slow.ReadAsync(["Later", "EMail"], 7, default), 2, 7);
        Assert.Equal(101, rows.Count);
        Assert.Equal<string?[]>([null, "a"], rows[0]);
        Assert.Equal<string?[]>(["1", null], rows[100]);
    }

    [Fact]
    public async Task Values_are_text_or_raw_json()
    {
        List<string?[]> rows = await RowsAsync(
            """{"s":"x","e":"","n":-1.50e3,"t":true,"f":false,"z":null,"o":{ "a" : [1, "é"] },"l":[ ],"q":"a\"b\\\u00e9\ud83d\ude00\n"}""",
            "s", "e", "n", "t", "f", "z", "o", "l", "q", "s");
        Assert.Equal<string?[]>(["x", "", "-1.50e3", "true", "false", null, """{ "a" : [1, "é"] }""", "[ ]", "a\"b\\é😀\n", "x"], Assert.Single(rows));
    }

    [Fact]
    public async Task A_name_is_exact_else_without_regard_to_case()
    {
        List<string?[]> rows = await RowsAsync("""
            {"EMAIL":"1","email":"2","Email":"3"}
            {"email":"2","EMAIL":"1"}
            {"EMAIL":"1"}
            {"\u0065mail":"escaped"}
            {"email":"first","email":"last"}
            """, "email", "Email");
        Assert.Equal([["2", "3"], ["2", "1"], ["1", "1"], ["escaped", "escaped"], ["last", "last"]], rows);
    }

    [Fact]
    public async Task A_line_that_is_no_object_is_a_row_with_a_fault()
    {
        List<string?[]> rows = await RowsAsync(
            "{\"a\":\"1\"}\r\n\r\n  \t\n[1]\nnull\n{\"a\":}\n{\"a\":\"2\"} {\"a\":\"3\"}\nnot json at all\n{\"a\":\"\\ud800\"}\n{\"a\":\"cut\n{\"a\":\"4\"}\r", "a");
        Assert.Equal([["1"], ["Malformed"], ["Malformed"], ["Malformed"], ["Malformed"], ["Malformed"], ["Malformed"], ["Malformed"], ["4"]], rows);
    }

    [Theory]
    [InlineData("{\"a\":\"1\"}\n{\"a\":\"2")]
    [InlineData("{\"a\":\"1\"}\n{\"a\":\"x\\\"y\",\"b\":")]
    [InlineData("{\"a\":\"1\"}\n{")]
    [InlineData("{\"a\":\"1\"}\n{\"a\":{\"b\":1}")]
    public async Task A_file_that_ends_within_a_record_fails(string text)
    {
        CcException e = await Readers.FailsAsync("InputCut", () => RowsAsync(text, "a"));
        Assert.Contains("line 2", e.Message, StringComparison.Ordinal);
        // With its line end it is a wrong line, not half a file.
        Assert.Equal([["1"], ["Malformed"]], await RowsAsync(text + "\n", "a"));
    }

    [Fact]
    public async Task A_last_line_without_an_end_that_is_wrong_is_a_row_with_a_fault()
        => Assert.Equal([["1"], ["Malformed"]], await RowsAsync("{\"a\":\"1\"}\n{\"a\":\"2\"}}", "a"));

    [Fact]
    public async Task A_column_that_no_record_has_fails()
    {
        CcException e = await Readers.FailsAsync("ColumnNotFound", () => RowsAsync("{\"EMail\":\"1\"}\n{\"Name\":\"1\"}\n", "EMail", "Emial"));
        Assert.Contains("EMail, Name", e.Message, StringComparison.Ordinal);
        Assert.Contains("'EMail'", e.Remedy, StringComparison.Ordinal);
        await Readers.FailsAsync("ColumnNotFound", () => RowsAsync("{}\n", "EMail"));
    }

    [Fact]
    public async Task A_text_of_another_kind_fails_with_advice()
    {
        CcException e = await Readers.FailsAsync("InputNotJsonLines", () => RowsAsync("[\n  { \"a\": 1 },\n  { \"a\": 2 }\n]\n", "a"));
        Assert.Contains("ConvertFrom-Json", e.Remedy, StringComparison.Ordinal);
        await Readers.FailsAsync("InputNotJsonLines", () => RowsAsync("{\n \"a\": 1\n}\n", "a"));
        await Readers.FailsAsync("InputNotJsonLines", () => RowsAsync("EMail,Name\na@b.example,x\n", "EMail"));
    }

    [Fact]
    public async Task Blank_lines_alone_are_no_rows() => Assert.Empty(await RowsAsync("\n\r\n  \n", "a"));

    [Fact]
    public async Task A_record_over_the_limit_fails_with_little_memory()
    {
        string text = "{\"a\":\"1\"}\n{\"a\":\"" + new string('x', Limits.RecordBytes) + "\"}\n";
        CcException e = await Readers.FailsAsync("InputRecordTooLong", () => RowsAsync(text, "a"));
        Assert.Contains("line 2", e.Message, StringComparison.Ordinal);
        string endless = "{\"a\":\"" + new string('x', Limits.RecordBytes + (1024 * 1024));
        await Readers.FailsAsync("InputRecordTooLong", () => RowsAsync(endless, "a"));
        string longest = "{\"a\":\"" + new string('x', Limits.RecordBytes - 10) + "\"}\n";
        Assert.Equal(Limits.RecordBytes - 10, Assert.Single(await RowsAsync(longest, "a"))[0]!.Length);
    }

    [Fact]
    public async Task Many_rows_come_in_batches_with_running_numbers()
    {
        string text = string.Concat(Enumerable.Range(1, 50_000).Select(i => $"{{\"Id\":{i},\"Name\":\"M\\u00fc{i}\"}}\n"));
        List<string?[]> rows = await RowsAsync(text, "Name", "Id");
        Assert.Equal(50_000, rows.Count);
        for (int i = 0; i < rows.Count; i++) Assert.Equal<string?[]>([$"Mü{i + 1}", $"{i + 1}"], rows[i]);
    }

    [Fact]
    public async Task A_row_costs_no_memory()
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(1, 20_000).Select(i => $"{{\"Id\":{i},\"Name\":\"M\\u00fc{i}\"}}\n")));
        long rows = 0, before = 0;
        // The test's stream completes at once, so all of it runs on this thread.
        await foreach (ProfileBatch batch in new JsonLinesReader(new MemoryStream(text), "x").ReadAsync(["Name"], 1, default))
        {
            rows += batch.Rows;
            if (before == 0) before = GC.GetAllocatedBytesForCurrentThread();
        }
        Assert.Equal(20_000, rows);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000);
    }

    [Fact]
    public void Any_records_are_read_as_a_document_parser_reads_them()
    {
        string[] names = ["EMail", "email", "Na\"me", "Größe", "x", "😀"];
        Gen<JsonNode?> scalar = Gen.OneOf(
            Gen.String.Select(text => (JsonNode?)JsonValue.Create(Whole(text))),
            Gen.Int.Select(number => (JsonNode?)JsonValue.Create(number)),
            Gen.Double.Where(double.IsFinite).Select(number => (JsonNode?)JsonValue.Create(number)),
            Gen.Bool.Select(flag => (JsonNode?)JsonValue.Create(flag)),
            Gen.Int[0, 1].Select(_ => (JsonNode?)null));
        Gen<JsonNode?> value = Gen.OneOf(scalar, scalar.List[0, 3].Select(items => (JsonNode?)new JsonArray([.. items])));
        Gen<(int Name, JsonNode? Value)> member = Gen.Select(Gen.Int[0, names.Length - 1], value);
        Gen.Select(member.List[0, 8].List[1, 20], Gen.Bool, Gen.Int[1, 50]).Sample((records, relaxed, block) =>
        {
            var options = new JsonSerializerOptions
            {
                Encoder = relaxed ? System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping : null,
            };
            var text = new StringBuilder();
            foreach (List<(int Name, JsonNode? Value)> record in records)
            {
                // Written by hand, because names may stand twice.
                text.Append('{').AppendJoin(',', record.Select(m => JsonSerializer.Serialize(names[m.Name], options) + ":"
                    + (m.Value?.ToJsonString(options) ?? "null"))).Append("}\n");
            }
            JsonElement[] parsed = [.. text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement)];
            string[] asked = [.. names.Where(name => parsed.Any(record => record.TryGetProperty(name, out _)))];
            List<string?[]> expected = [.. parsed.Select(record => asked.Select(name => Expected(record, name)).ToArray())];
            List<string?[]> actual = Readers.RowsAsync(Reader(text.ToString(), block).ReadAsync(asked, 1, default), asked.Length)
                .GetAwaiter().GetResult();
            Assert.Equal(expected, actual);
        });
    }

    private static string? Expected(JsonElement record, string name)
    {
        if (!record.TryGetProperty(name, out JsonElement value))
        {
            JsonProperty[] like = [.. record.EnumerateObject().Where(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase))];
            if (like.Length == 0) return null;
            value = like[^1].Value;
        }
        return value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => value.GetString(),
            _ => value.GetRawText(),
        };
    }

    /// <summary>Without halves of surrogate pairs, which the serializer would replace.</summary>
    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
