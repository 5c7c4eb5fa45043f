using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CcExport.Engine.Announcements;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Exports;

/// <summary>What is stored of an export and of a source comes back whole, also the member that somebody adds next.</summary>
public sealed class DefinitionReaderTests
{
    private static readonly SourceReference Source = new()
    {
        Name = "n",
        Path = "/data/x.csv",
        Encoding = "windows-1252",
        Delimiter = ';',
        Header = ["a", "b"],
        BlobContainer = new Uri("https://account.blob.core.windows.net/c/f"),
        Dataverse = new Uri("https://org.crm.dynamics.com"),
        CustomerInsights = Guid.Parse("b0fee00f-1111-2222-3333-444455556666"),
        ApiEndpoint = new Uri("https://api.example/v1"),
        SubscriptionKey = "never",
        SasToken = "never",
        AccountKey = "never",
    };

    private static readonly ExportDefinition Whole = new()
    {
        Connection = "acme",
        ListId = "l",
        Source = Source,
        Segments = ["s1", "s2"],
        Map = new() { ["email"] = "EMail", ["cf:tier"] = "Tier" },
        Mode = ExportMode.Mirror,
        KeyProperty = "Id",
        PreferNewest = "Changed",
        BatchSize = 500,
        MaxProfiles = 3_000_000_000,
        Verify = true,
        KeepDays = 30,
        SuppressionPath = ["/x"],
        MaxShrink = 0.25,
        MaxGrowth = 3.5,
        Schedule = "Daily 06:00",
        TimeZone = "Europe/Kyiv",
        Disabled = true,
        ScheduledAt = new DateTimeOffset(2026, 11, 24, 6, 0, 0, 123, TimeSpan.FromHours(2)),
        OnFailure = "https://hooks.slack.com",
        OnFailureShape = NoticeShape.Slack,
        Evaluated = new DateTimeOffset(2026, 11, 23, 6, 0, 0, TimeSpan.Zero),
        IncludeLeavers = true,
        Full = true,
        TakeOwnership = true,
        Force = true,
        Removal = new Removal { Planned = 5_000_000_000, First = 7, Pieces = 8, Members = 9, Scratch = "scratch", Started = true, Done = true, Removed = 4 },
        NoUndo = true,
        Undoes = 12,
        ReadAs = "somebody",
    };

    [Fact]
    public void Every_member_is_set_in_the_example()
    {
        // Else the next test would not notice a member that is not read.
        All(Whole);
        All(Source);
        All(Whole.Removal!);

        static void All<T>(T value)
        {
            foreach (PropertyInfo member in typeof(T).GetProperties().Where(p => p.CanWrite && p.GetCustomAttribute<JsonIgnoreAttribute>() is null))
                Assert.False(Equals(member.GetValue(value), member.PropertyType.IsValueType ? Activator.CreateInstance(member.PropertyType) : null), member.Name);
        }
    }

    [Fact]
    public void A_definition_comes_back_as_it_was_stored()
    {
        string json = Whole.ToJson(), source = JsonSerializer.Serialize(Source, DefinitionJson.Default.SourceReference);
        Assert.Equal(json, ExportDefinition.FromJson(json).ToJson());
        Assert.Equal(source, JsonSerializer.Serialize(DefinitionReader.Source(source), DefinitionJson.Default.SourceReference));
        Assert.DoesNotContain("never", json + source, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_there_is_as_in_a_new_one_and_what_is_not_known_is_passed_over()
    {
        const string Least = """{"ListId":"l","Map":{"email":"EMail"},"Unknown":{"x":[1]}}""";
        Assert.Equal(new ExportDefinition { ListId = "l", Map = new() { ["email"] = "EMail" } }.ToJson(), ExportDefinition.FromJson(Least).ToJson());
    }

    [Theory]
    [InlineData("ListId")]
    [InlineData("Map")]
    public void What_must_be_there_is_missed(string member)
    {
        JsonObject json = JsonNode.Parse(Whole.ToJson())!.AsObject();
        json.Remove(member);
        Assert.Equal("StoreCorrupt", Assert.Throws<CcException>(() => ExportDefinition.FromJson(json.ToJsonString())).ErrorId);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"ListId\":")]
    [InlineData("""{"ListId":"l","Map":[]}""")]
    [InlineData("""{"ListId":"l","Map":{},"BatchSize":"many"}""")]
    [InlineData("""{"ListId":"l","Map":{},"Mode":"Sideways"}""")]
    [InlineData("""{"ListId":"l","Map":{},"Source":{"Delimiter":"ab"}}""")]
    [InlineData("""{"ListId":"l","Map":{},"Source":{"CustomerInsights":"x"}}""")]
    public void What_cannot_be_read_is_said(string json)
    {
        CcException e = Assert.Throws<CcException>(() => ExportDefinition.FromJson(json));
        Assert.Equal(("StoreCorrupt", CcErrorKind.Storage), (e.ErrorId, e.Kind));
    }
}
