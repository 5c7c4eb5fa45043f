using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>What can be told without reading a row; the rows are in the CSV integration tests.</summary>
public sealed class CustomerInsightsFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    internal static string Model(string location, string more = "", string format = "{}") => $$"""
        { "application": "CI", "name": "x", "version": "1.0", "pbi:mashup": {"a":[1]}, "entities": [
          { "$type": "ReferenceEntity", "name": "Elsewhere", "source": "s", "modelId": "m" },
          { "$type": "LocalEntity", "name": "VIP", "description": "d",
            "attributes": [ {"name": "CustomerId", "dataType": "string"}, {"name": "EMail"} ],
            "partitions": [ { "name": "p1", "refreshTime": "2024-03-01T10:00:00Z", "location": {{location}}, "fileFormatSettings": {{format}} } {{more}} ] },
          { "$type": "LocalEntity", "name": "Nobody", "attributes": [ {"name": "EMail"} ] } ] }
        """;

    private Task<List<string?[]>> ReadAsync(string segment = "VIP", params string[] columns)
        => FileSource.Open(_folder.Path).RowsAsync(segment, columns.Length == 0 ? ["EMail"] : columns);

    private async Task<CcException> FailsAsync(string id, string model)
    {
        _folder.Write("model.json", model);
        return await Readers.FailsAsync(id, () => ReadAsync());
    }

    [Fact]
    public async Task Tables_are_segments_with_what_the_model_knows()
    {
        _folder.Write("VIP/VIP_1.csv", "1,a@b.example\n");
        _folder.Write("model.json", Model("\"VIP/VIP_1.csv\"", """, { "name": "schema", "location": null, "refreshTime": "2024-04-01T10:00:00+02:00" }"""));
        IReadOnlyList<Segment> segments = await FileSource.Open(_folder.Path).GetSegmentsAsync(default);
        Assert.Equal(["VIP", "Nobody"], segments.Select(segment => segment.Name));
        Assert.Equal(["CustomerId", "EMail"], segments[0].Columns);
        Assert.Equal(14, segments[0].Bytes);
        Assert.Null(segments[0].Size);
        Assert.Equal(DateTimeOffset.Parse("2024-04-01T08:00:00Z", System.Globalization.CultureInfo.InvariantCulture), segments[0].LastEvaluated);
        Assert.Equal(0, segments[1].Size);
        Assert.Equal(["CustomerId", "EMail"], await FileSource.Open(_folder["model.json"]).GetColumnsAsync("vip", default));
    }

    [Fact]
    public async Task A_table_without_parts_is_an_empty_segment_whose_columns_are_checked()
    {
        _folder.Write("model.json", Model("null"));
        Assert.Empty(await ReadAsync("Nobody"));
        Assert.Empty(await ReadAsync("VIP"));
        await Readers.FailsAsync("ColumnNotFound", () => ReadAsync("Nobody", "Mail"));
        CcException e = await Readers.FailsAsync("SegmentNotFound", () => ReadAsync("Elsewhere"));
        Assert.Contains("VIP, Nobody", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_model_is_found_below_and_several_are_told()
    {
        _folder.Write("CustomerInsights_1/Export/model.json", Model("null"));
        Assert.Empty(await ReadAsync());
        _folder.Write("CustomerInsights_1/Other/model.json", Model("null"));
        CcException e = await Readers.FailsAsync("ModelAmbiguous", () => ReadAsync());
        Assert.Contains("Export", e.Message, StringComparison.Ordinal);
        Assert.Contains("Other", e.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await FileSource.Open(_folder["CustomerInsights_1/Other"]).GetSegmentsAsync(default)).Count);
        // A folder with data files of its own is a folder of files.
        _folder.Write("people.jsonl", "{}\n");
        Assert.Equal("people", (await FileSource.Open(_folder.Path).GetSegmentsAsync(default))[0].Name);
    }

    [Theory]
    [InlineData("", "InputEmpty")]
    [InlineData("{", "ModelMalformed")]
    [InlineData("{\n \"version\": \"1.0\",,\n}", "ModelMalformed", "line 2, byte 19")]
    [InlineData("[]", "ModelMalformed")]
    [InlineData("{\"version\":\"1.0\"}", "ModelMalformed", "entities")]
    [InlineData("{\"version\":\"1.0\",\"entities\":{}}", "ModelMalformed", "entities")]
    [InlineData("{\"version\":\"1.0\",\"entities\":[1]}", "ModelMalformed", "entities")]
    [InlineData("{\"version\":\"1.0\",\"entities\":[{\"$type\":\"LocalEntity\"}]}", "ModelMalformed", "entities[0]")]
    [InlineData("{\"version\":\"1.0\",\"entities\":[{\"name\":\"\\ud800\"}]}", "ModelMalformed")]
    [InlineData("{\"version\":\"1.0\",\"entities\":[{\"name\":\"a\",\"attributes\":[{}]}]}", "ModelMalformed", "attributes[0]")]
    [InlineData("{\"version\":\"1.0\",\"entities\":[{\"name\":\"a\"}]}", "ModelMalformed", "attributes")]
    [InlineData("{\"version\":\"1.0\",\"entities\":[{\"name\":true,\"attributes\":[]}]}", "ModelMalformed", "name")]
    [InlineData("{\"version\":\"1.0\",\"entities\":[]}", "NoSegments")]
    [InlineData("{\"version\":\"2.0\",\"entities\":[]}", "ModelVersion", "2.0")]
    [InlineData("{\"entities\":[]}", "ModelVersion")]
    public async Task A_model_that_is_none_says_where(string text, string id, string where = "")
    {
        CcException e = await FailsAsync(id, text);
        Assert.Contains("model.json", e.Message, StringComparison.Ordinal);
        Assert.Contains(where, e.Message, StringComparison.Ordinal);
        Assert.Equal(id == "NoSegments" ? CcErrorKind.NotFound : CcErrorKind.InvalidData, e.Kind);
    }

    [Fact]
    public async Task Settings_that_cannot_be_are_told()
    {
        _folder.Write("VIP.csv", "1,a\n");
        await FailsAsync("ModelMalformed", Model("\"VIP.csv\"", format: """{"delimiter":"||"}"""));
        await FailsAsync("DelimiterInvalid", Model("\"VIP.csv\"", format: """{"delimiter":"\""}"""));
        await FailsAsync("ModelMalformed", Model("\"VIP.csv\"", format: """{"columnHeaders":"perhaps"}"""));
        await FailsAsync("ModelMalformed", Model("\"VIP.csv\"", format: "7"));
        await FailsAsync("ModelFormatUnknown", Model("\"VIP.csv\"", format: """{"$type":"ParquetFormatSettings"}"""));
        await FailsAsync("EncodingUnknown", Model("\"VIP.csv\"", format: """{"encoding":"klingon"}"""));
    }

    [Fact]
    public async Task Of_a_part_without_the_header_that_the_model_tells_of_nothing_is_shown()
    {
        _folder.Write("VIP.csv", "Jane Doe,jane.doe@contoso.example\nJoe Roe,joe.roe@contoso.example\n");
        CcException e = await FailsAsync("ModelHeaderMismatch", Model("\"VIP.csv\"", format: """{"columnHeaders":true}"""));
        Assert.Contains("lacks: CustomerId, EMail.", e.Message, StringComparison.Ordinal);
        foreach (string value in new[] { "Jane Doe", "Joe Roe", "@", "contoso" }) Assert.DoesNotContain(value, $"{e.Message} {e.Remedy}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_part_is_named_and_the_listing_goes_on()
    {
        CcException e = await FailsAsync("PartMissing", Model("\"https://a.blob.core.windows.net/c/VIP/2024/VIP_7.csv?sig=secret\""));
        Assert.Contains("VIP/2024/VIP_7.csv", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
        Assert.Null((await FileSource.Open(_folder.Path).GetSegmentsAsync(default))[0].Bytes);
        await FailsAsync("PartMissing", Model("\"https://a.blob.core.windows.net\""));
    }

    [Fact]
    public async Task The_same_part_twice_fails()
    {
        _folder.Write("VIP/VIP_1.csv", "1,a\n");
        CcException e = await FailsAsync("PartRepeated", Model("\"VIP/VIP_1.csv\"", """, { "name": "p2", "location": "https://h/c/VIP/./VIP_1.csv" }"""));
        Assert.Contains("VIP_1.csv", e.Message, StringComparison.Ordinal);
        File.CreateSymbolicLink(_folder["VIP/VIP_2.csv"], _folder["VIP/VIP_1.csv"]);
        await FailsAsync("PartRepeated", Model("\"VIP/VIP_1.csv\"", """, { "name": "p2", "location": "VIP/VIP_2.csv" }"""));
    }

    [Theory]
    [InlineData("../secret.csv")]
    [InlineData("VIP/../../secret.csv")]
    [InlineData("https://h/c/VIP/../../secret.csv")]
    [InlineData("https://h/c/%2e%2e/secret.csv")]
    [InlineData("https://h/c/..%2Fsecret.csv")]
    [InlineData("..\\\\secret.csv")]
    [InlineData("https://h/c/..%5csecret.csv")]
    [InlineData("linked/secret.csv")]
    [InlineData("linked.csv")]
    [InlineData("twice.csv")]
    public async Task A_part_outside_of_the_folder_is_never_read(string location)
    {
        // The export is a subfolder here, and what it must not reach is beside it.
        _folder.Write("secret.csv", "1,a\n");
        _folder.Write("export/model.json", Model($"\"{location}\""));
        Directory.CreateSymbolicLink(_folder["export/linked"], _folder.Path);
        File.CreateSymbolicLink(_folder["export/linked.csv"], "../secret.csv");
        File.CreateSymbolicLink(_folder["export/twice.csv"], _folder["export/linked.csv"]);
        FileSource source = FileSource.Open(_folder["export"]);
        CcException e = await Readers.FailsAsync("ModelPathOutside", () => source.RowsAsync("VIP", "EMail"));
        Assert.Contains("VIP", e.Message, StringComparison.Ordinal);
        Assert.Null((await source.GetSegmentsAsync(default))[0].Bytes);
    }

    [Theory]
    [InlineData("https://acct.blob.core.windows.net/cont/CustomerInsights_1/Export/VIP/2024/03/01/1000/VIP_1.csv", "VIP/2024/03/01/1000/VIP_1.csv")]
    [InlineData("https://acct.dfs.core.windows.net:443/cont/Export/VIP/2024/03/01/1000/VIP_1.csv?sv=1#x", "VIP/2024/03/01/1000/VIP_1.csv")]
    [InlineData("abfss://cont@acct.dfs.core.windows.net/VIP/VIP_1.csv", "VIP/VIP_1.csv")]
    [InlineData("https://h/c/VIP%20A/VIP%C3%A9.csv", "VIP A/VIPé.csv")]
    [InlineData("VIP/VIP_1.csv", "VIP/VIP_1.csv")]
    [InlineData("VIP\\VIP_1.csv", "VIP/VIP_1.csv")]
    [InlineData("https://h/c/VIP/VIP_1.csv", "VIP_1.csv")]
    [InlineData("https://h/c/VIP/VIP_1.csv", "VIP/VIP_1.csv.gz")]
    public void A_location_is_mapped_by_its_longest_tail_that_exists(string location, string file)
    {
        string expected = _folder.Write(file, "x");
        if (file != "VIP_1.csv") _folder.Write("VIP_1.csv", "a file of the same name that is not meant");
        Assert.Equal(Path.GetFullPath(expected), new PartLocator(DiskTree.Instance, _folder.Path).Find(location, "VIP").Path);
    }

    [Fact]
    public void A_folder_that_is_reached_by_a_link_holds_its_files()
    {
        _folder.Write("real/VIP_1.csv", "x");
        Directory.CreateSymbolicLink(_folder["link"], _folder["real"]);
        Assert.EndsWith("VIP_1.csv", new PartLocator(DiskTree.Instance, _folder["link"]).Find("VIP_1.csv", "VIP").Path, StringComparison.Ordinal);
    }
}
