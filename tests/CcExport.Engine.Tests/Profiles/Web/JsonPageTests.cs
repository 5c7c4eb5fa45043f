using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CcExport.Engine.Profiles;
using CcExport.Engine.Profiles.Web;
using CsCheck;

namespace CcExport.Engine.Tests.Profiles.Web;

/// <summary>Pages of rows against System.Text.Json's own reading of them.</summary>
public sealed class JsonPageTests
{
    private static readonly string[] Asked = ["a", "Name", "ключ", "a"];

    private static (List<string?[]> Rows, string? Link) Read(string json, JsonRow? row = null)
    {
        byte[] text = Encoding.UTF8.GetBytes(json);
        row ??= new JsonRow(Asked, []);
        var page = new JsonPage(text, row);
        List<string?[]> rows = [];
        while (page.NextRow(out RowFault fault))
        {
            var values = new string?[row.Fields.Length];
            for (int i = 0; i < values.Length; i++)
            {
                ProfileBatch.Field field = row.Fields[i];
                values[i] = field.Length < 0 ? null : Encoding.UTF8.GetString(text, field.Start, field.Length);
            }
            rows.Add(fault == RowFault.None ? values : [fault.ToString(), .. values]);
        }
        return (rows, page.NextLink);
    }

    [Fact]
    public void Rows_and_the_link_are_found_wherever_they_stand()
    {
        Assert.Equal("x", Read("""{"@odata.nextLink":"x","value":[]}""").Link);
        (List<string?[]> rows, string? link) = Read("""{"@odata.context":{"value":[1]},"value":[{"a":"1","@odata.nextLink":"no"},{"b":[{"a":9}]}],"@odata.nextLink":"https:\/\/x\u0026y"}""");
        Assert.Equal("https://x&y", link);
        Assert.Equal([["1", null, null, "1"], [null, null, null, null]], rows);
        Assert.Null(Read("""{"value":[],"@odata.nextLink":null}""").Link);
    }

    [Theory]
    [InlineData("{\"a\":\"1\",\"Name\":\"2\"}")]
    [InlineData("{ \"a\" : \"1\" , \"Name\" : null }")]
    [InlineData("{\"a\":true,\"Name\":-1.5e3}")]
    [InlineData("{}")]
    public void Rows_that_are_written_alike_are_read_alike(string row)
    {
        var shared = new JsonRow(Asked, []);
        List<string?[]> one = Read($$"""{"value":[{{row}}]}""").Rows;
        List<string?[]> many = Read($$"""{"value":[ {{row}},{{row}} , {{row}} ]}""", shared).Rows;
        Assert.Equal(3, many.Count);
        Assert.All(many, r => Assert.Equal(one[0].AsEnumerable(), r));
        // And one that only begins alike is not.
        Assert.ThrowsAny<JsonException>(() => Read($$"""{"value":[{{row}},{{row[..^1]}}]}""", shared));
        Assert.ThrowsAny<JsonException>(() => Read($$"""{"value":[{{row}}{{row}}]}""", shared));
        Assert.ThrowsAny<JsonException>(() => Read($$"""{"value":[{{row}},]}""", shared));
        Assert.ThrowsAny<JsonException>(() => Read($$"""{"value":[{{row}}""", shared));
    }

    [Fact]
    public void Half_a_surrogate_spoils_its_own_row_only_where_all_are_written_alike()
    {
        (List<string?[]> rows, _) = Read("""{"value":[{"a":"x","Name":"\u0041"},{"a":"\ud83d","Name":"\"N\""},{"a":"\ud83d\ude00","Name":"\\"}]}""");
        Assert.Equal<string?[]>(["x", "A", null, "x"], rows[0]);
        Assert.Equal<string?[]>(["Malformed", null, "\"N\"", null, null], rows[1]);
        Assert.Equal<string?[]>(["\ud83d\ude00", "\\", null, "\ud83d\ude00"], rows[2]);
    }

    [Fact]
    public void Half_a_surrogate_spoils_its_own_row_only()
    {
        (List<string?[]> rows, _) = Read("""{"value":[{"a":"\ud83d","Name":"N"},{"\ud83dx":1,"a":"ok"},{"a":"\ud83d\ude00"}]}""");
        Assert.Equal(3, rows.Count);
        Assert.Equal<string?[]>(["Malformed", null, "N", null, null], rows[0]);
        Assert.Equal("Malformed", rows[1][0]);
        Assert.Equal<string?[]>(["\ud83d\ude00", null, null, "\ud83d\ude00"], rows[2]);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"value\":[],\"value\":[]}")]
    [InlineData("{\"value\":[{]}")]
    [InlineData("{\"value\":[{\"a\":1}")]
    [InlineData("{\"value\":[{\"a\":1}]")]
    [InlineData("{\"value\":[[]]}")]
    [InlineData("{\"value\":[]}x")]
    public void What_is_no_page_is_no_rows(string json) => Assert.ThrowsAny<JsonException>(() => Read(json));

    [Fact]
    public void Any_page_is_read_as_a_document_parser_reads_it()
    {
        Gen<string> text = Gen.Select(Pick.From("", "x", "\"", "\\", "ü", "😀", "\n\t\u0001", "</script>", "{\"value\":[", new string('y', 700)), Gen.String.Select(Whole)).Select((a, b) => a + b);
        Gen<JsonNode?> value = Gen.OneOf(
            text.Select(t => (JsonNode?)JsonValue.Create(t)),
            Gen.Int.Select(n => (JsonNode?)JsonValue.Create(n)),
            Gen.Bool.Select(b => (JsonNode?)JsonValue.Create(b)),
            Gen.Int[0, 1].Select(_ => (JsonNode?)null),
            Gen.Int[0, 3].Array[0, 3].Select(items => (JsonNode?)new JsonObject { ["a"] = new JsonArray([.. items.Select(i => (JsonNode)i)]) }));
        Gen<List<(string Name, JsonNode? Value)>> row = Gen.Select(Pick.From("a", "Name", "ключ", "other", "@odata.etag"), value).List[0, 7];
        Gen<List<List<(string Name, JsonNode? Value)>>> mixed = row.List[0, 20];
        // As services write them: the same names in the same order, row after row.
        Gen<List<List<(string Name, JsonNode? Value)>>> alike = Gen.Select(Pick.From("a", "Name", "ключ", "other", "@odata.etag").List[1, 6], value.Array[6, 6].List[1, 20])
            .Select((names, values) => values.Select(v => names.Select((n, i) => (n, v[i])).ToList()).ToList());
        Gen.Select(Gen.OneOf(mixed, alike), Gen.Bool, Gen.Bool, text).Sample((rows, relaxed, first, link) =>
        {
            var options = new JsonSerializerOptions { Encoder = relaxed ? JavaScriptEncoder.UnsafeRelaxedJsonEscaping : JavaScriptEncoder.Default };
            string items = string.Join(" ,\n", rows.Select(r => "{" + string.Join(",", r.Select(m => JsonSerializer.Serialize(m.Name, options) + ":" + (m.Value?.ToJsonString(options) ?? "null"))) + "}"));
            string next = $"\"@odata.nextLink\":{JsonSerializer.Serialize(link, options)}";
            string json = first ? $"{{{next},\"value\":[{items}]}}" : $"{{\"value\":[{items}],{next}}}";
            JsonElement parsed = JsonDocument.Parse(json).RootElement;
            List<string?[]> expected = [.. parsed.GetProperty("value").EnumerateArray().Select(r => Asked.Select(name => Shown(r, name)).ToArray())];
            var shared = new JsonRow(Asked, []);
            for (int again = 0; again < 2; again++)
            {
                (List<string?[]> actual, string? found) = Read(json, shared);
                Assert.Equal(expected, actual);
                Assert.Equal(link, found);
            }
        });
    }

    /// <summary>Half a pair is no text that a serializer writes.</summary>
    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static string? Shown(JsonElement row, string name) => !row.TryGetProperty(name, out JsonElement value) ? null : value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        _ => value.GetRawText(),
    };
}
