using System.Net;
using System.Text;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>Segments in a container, against a real storage emulator.</summary>
[Collection(AzuriteTests.Name)]
public sealed class BlobSourceTests(Azurite azurite)
{
    private const string Csv = "EMail,Name\na@example.com,Ann\nb@example.com,Bo\n";
    private static readonly string[][] Two = [["a@example.com", "Ann"], ["b@example.com", "Bo"]];

    [AzuriteFact]
    public async Task The_same_layouts_are_read_as_from_a_folder_of_this_machine()
    {
        Azurite.Container container = await azurite.CreateAsync();
        using var folder = new TempFolder();
        var files = new Dictionary<string, byte[]>
        {
            ["all/one.csv"] = Encoding.UTF8.GetBytes(Csv),
            ["all/packed.csv.gz"] = Readers.Gzip(Csv),
            ["all/wide.csv"] = [0xFF, 0xFE, .. Encoding.Unicode.GetBytes(Csv)],
            ["all/lines.jsonl"] = "{\"EMail\":\"a@example.com\",\"Name\":\"Ann\"}\n"u8.ToArray(),
            ["all/Parts/p_10.csv"] = Encoding.UTF8.GetBytes("EMail,Name\nz@example.com,Z\n"),
            ["all/Parts/p_2.csv"] = Encoding.UTF8.GetBytes(Csv),
            ["all/Lake/Country=UA/x.parquet"] = await ParquetFiles.TextAsync(["EMail", "Name"], [Two]),
            ["all/deep/er/none.csv"] = Encoding.UTF8.GetBytes(Csv),
            ["all/.hidden.csv"] = Encoding.UTF8.GetBytes(Csv),
            ["all/readme.md"] = "no data"u8.ToArray(),
            ["all2/other.csv"] = Encoding.UTF8.GetBytes(Csv),
        };
        foreach ((string name, byte[] bytes) in files)
        {
            folder.Write(name, bytes);
            await container.PutAsync(name, bytes);
        }
        FileSource disk = FileSource.Open(folder["all"]);
        IProfileSource blobs = container.Open("all");
        IReadOnlyList<Segment> expected = await disk.GetSegmentsAsync(default), found = await blobs.GetSegmentsAsync(default);
        Assert.Equal(expected.Select(s => (s.Name, s.Bytes)), found.Select(s => (s.Name, s.Bytes)));
        Assert.All(found, s => Assert.NotNull(s.LastEvaluated));
        foreach (Segment segment in expected)
        {
            Assert.Equal(await disk.GetColumnsAsync(segment.Name, default), await blobs.GetColumnsAsync(segment.Name, default));
            Assert.Equal(await disk.RowsAsync(segment.Name, "Name", "EMail"), await blobs.RowsAsync(segment.Name, "Name", "EMail"));
        }
        // One blob, and a container without a folder.
        Assert.Equal(Two, await container.Open("all/packed.csv.gz").RowsAsync("packed", "EMail", "Name"));
        Assert.Equal("er", Assert.Single(await container.Open("all/deep").GetSegmentsAsync(default)).Name);
        Assert.Equal(["all", "all2"], (await container.Open().GetSegmentsAsync(default)).Select(s => s.Name));
        await Readers.FailsAsync("NoSegments", async () => await (await azurite.CreateAsync()).Open().GetSegmentsAsync(default));
    }

    [AzuriteFact]
    public async Task A_Customer_Insights_export_is_read_where_it_was_written()
    {
        Azurite.Container container = await azurite.CreateAsync();
        await container.PutAsync("CustomerInsights_demo/Export/model.json", $$"""
            {"name":"Demo","version":"1.0","entities":[{"$type":"LocalEntity","name":"VIP","attributes":[{"name":"EMail","dataType":"string"},{"name":"Name","dataType":"string"}],
             "partitions":[{"name":"1","refreshTime":"2026-11-20T05:00:00Z","location":"{{container.Address}}/CustomerInsights_demo/Export/VIP/2026/VIP_1.csv"}]}]}
            """);
        await container.PutAsync("CustomerInsights_demo/Export/VIP/2026/VIP_1.csv", Csv[(Csv.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
        await container.PutAsync("CustomerInsights_demo/Export/VIP/2025/VIP_1.csv", "old@example.com,Old\n");
        IProfileSource source = container.Open();
        Segment segment = Assert.Single(await source.GetSegmentsAsync(default));
        Assert.Equal(("VIP", new DateTimeOffset(2026, 11, 20, 5, 0, 0, TimeSpan.Zero)), (segment.Name, segment.LastEvaluated));
        Assert.Equal(Two, await source.RowsAsync("VIP", "EMail", "Name"));
        await container.RemoveAsync("CustomerInsights_demo/Export/VIP/2026/VIP_1.csv");
        await Readers.FailsAsync("PartMissing", () => container.Open("CustomerInsights_demo").RowsAsync("VIP", "EMail"));
        // The emulator says of a blob that is gone what it says of one that changed.
        CcException gone = await Assert.ThrowsAsync<CcException>(() => source.RowsAsync("VIP", "EMail"));
        Assert.Contains(gone.ErrorId, new[] { "InputNotFound", "InputChanged" });
    }

    [AzuriteFact]
    public async Task Within_a_table_what_lies_above_tells_that_it_is_one()
    {
        Azurite.Container container = await azurite.CreateAsync();
        byte[] file = await ParquetFiles.TextAsync(["EMail", "Name"], [Two]);
        await container.PutAsync("vip/_delta_log/0.json", "{}");
        await container.PutAsync("vip/Country=UA/p.parquet", file);
        await container.PutAsync("ice/metadata/v1.metadata.json", "{}");
        await container.PutAsync("ice/data/p.parquet", file);
        await container.PutAsync("plain/Country=UA/p.parquet", file);
        foreach ((string id, string place) in new[] { ("DeltaTable", "vip/Country=UA"), ("DeltaTable", "vip/Country=UA/p.parquet"), ("IcebergTable", "ice/data") })
            await Readers.FailsAsync(id, () => container.Open(place).RowsAsync("p", "EMail"));
        Assert.Equal(Two, await container.Open("plain/Country=UA").RowsAsync("p", "EMail", "Name"));
    }

    [AzuriteFact]
    public async Task A_key_a_signature_and_the_export_users_token_all_read()
    {
        Azurite.Container container = await azurite.CreateAsync();
        await container.PutAsync("one.csv", Csv);
        string sas = container.Sas();
        Assert.Equal(Two, await container.Open().RowsAsync("one", "EMail", "Name"));
        Assert.Equal(Two, await container.Open(change: r => r with { AccountKey = null, SasToken = sas }).RowsAsync("one", "EMail", "Name"));
        Assert.Equal(Two, await container.Open(change: r => r with { AccountKey = null, SasToken = "?" + sas }).RowsAsync("one", "EMail", "Name"));

        // The emulator takes tokens over https only; so what stands before it is the service that knows the token, and it lets in by signature.
        int asked = 0;
        var door = new Counting(request =>
        {
            Assert.Equal("contoso.blob.core.windows.net", request.RequestUri!.Host);
            Assert.Equal("Bearer the-token", request.Headers.GetValues("Authorization").Single());
            request.Headers.Remove("Authorization");
            string query = request.RequestUri.Query.TrimStart('?');
            request.RequestUri = new Uri($"{container.Address}{request.RequestUri.AbsolutePath["/lake".Length..]}?{query}{(query.Length > 0 ? "&" : "")}{sas}");
            asked++;
        });
        var tokens = new OneToken();
        IProfileSource lake = container.Open(network: door, tokens: tokens, change: _ => new SourceReference { BlobContainer = new Uri("https://contoso.dfs.core.windows.net/lake") });
        Assert.Equal(Two, await lake.RowsAsync("one", "EMail", "Name"));
        Assert.Equal("https://storage.azure.com/.default", Assert.Single(tokens.Scopes.Distinct()));
        Assert.True(asked >= 2);
        // Before each request, although the client keeps the token: the export user may be gone meanwhile.
        Assert.True(tokens.Scopes.Count > asked);
    }

    [AzuriteFact]
    public async Task A_large_text_is_streamed_in_pieces_and_a_change_meanwhile_fails_it()
    {
        Azurite.Container container = await azurite.CreateAsync();
        var text = new StringBuilder("EMail,Name\n");
        for (int i = 0; text.Length < 20_000_000; i++) text.Append("person").Append(i).Append("@example.com,").Append('n', 200).Append('\n');
        await container.PutAsync("big.csv", text.ToString());
        var network = new Counting();
        IProfileSource source = container.Open(network: network);
        CcException e = await Readers.FailsAsync("InputChanged", async () =>
        {
            await foreach (ProfileBatch batch in source.ReadAsync("big", ["EMail"], default))
            {
                if (batch.FirstRow != 1) continue;
                Assert.InRange(network.Bytes, 1, 9_000_000);
                await container.PutAsync("big.csv", text.ToString());
            }
        });
        Assert.Equal(CcErrorKind.InvalidData, e.Kind);
        Assert.Contains("big.csv", e.Message, StringComparison.Ordinal);
        // What was listed before is not what is there now.
        await Readers.FailsAsync("InputChanged", () => source.GetColumnsAsync("big", default));
    }

    [AzuriteFact]
    public async Task Of_a_Parquet_blob_only_its_end_and_the_asked_columns_are_fetched()
    {
        Azurite.Container container = await azurite.CreateAsync();
        string?[][] Group(int g) => [.. Enumerable.Range(0, 2000).Select(i => new string?[] { $"p{g}-{i}@example.com", $"n{i}", Convert.ToHexString(BitConverter.GetBytes(HashCode.Combine(g, i))) + new string('x', 200) + $"{g * i}" })];
        byte[] bytes = await ParquetFiles.TextAsync(["EMail", "Name", "Wide"], [Group(1), Group(2), Group(3)], Parquet.CompressionMethod.None, dictionary: false);
        await container.PutAsync("VIP/a.parquet", bytes);
        var network = new Counting();
        IProfileSource source = container.Open(network: network);
        await source.GetSegmentsAsync(default);
        long before = network.Bytes;
        Assert.Equal(6000, (await source.RowsAsync("VIP", "EMail")).Count);
        long emails = 3 * 2000 * 24, end = 64 * 1024;
        Assert.InRange(network.Bytes - before, emails / 2, emails + end + 10_000);
        Assert.True(bytes.Length > 1_200_000);
        CcException e = await Readers.FailsAsync("InputChanged", async () =>
        {
            await foreach (ProfileBatch batch in source.ReadAsync("VIP", ["EMail"], default))
            {
                if (batch.FirstRow == 1) await container.PutAsync("VIP/a.parquet", bytes);
            }
        });
        Assert.Contains("a.parquet", e.Message, StringComparison.Ordinal);
    }

    [AzuriteFact]
    public async Task What_is_wrong_is_said_with_a_remedy_and_without_the_secret()
    {
        Azurite.Container container = await azurite.CreateAsync();
        await container.PutAsync("VIP/one.csv", Csv);
        string wrongKey = Convert.ToBase64String(new byte[64]), expired = container.Sas(hours: -1), blind = container.Sas("l"), mute = container.Sas("r");
        string forged = container.Sas().Replace("sig=", "sig=AAAA", StringComparison.Ordinal);
        async Task Check(string id, CcErrorKind kind, Func<SourceReference, SourceReference> change, Func<IProfileSource, Task>? ask = null)
        {
            CcException e = await Readers.FailsAsync(id, () => (ask ?? (s => s.GetSegmentsAsync(default)))(container.Open(change: change)));
            Assert.Equal(kind, e.Kind);
            foreach (string secret in new[] { wrongKey, Azurite.Key, "sig=", "sig%3D" }) Assert.DoesNotContain(secret, $"{e} {e.Remedy} {e.Subject}", StringComparison.Ordinal);
        }
        await Check("ContainerNotFound", CcErrorKind.NotFound, r => r with { BlobContainer = new Uri($"{azurite.Endpoint}/nothere") });
        await Check("InputNotFound", CcErrorKind.NotFound, r => r with { BlobContainer = new Uri($"{container.Address}/V") });
        // The service itself says AuthenticationFailed of these two; the emulator, AuthorizationFailure.
        await Check("BlobAccessDenied", CcErrorKind.Permission, r => r with { AccountKey = wrongKey });
        await Check("BlobAccessDenied", CcErrorKind.Permission, r => r with { AccountKey = null, SasToken = forged });
        await Check("SignatureExpired", CcErrorKind.Authentication, r => r with { AccountKey = null, SasToken = expired });
        await Check("BlobAccessDenied", CcErrorKind.Permission, r => r with { AccountKey = null, SasToken = mute });
        await Check("BlobAccessDenied", CcErrorKind.Permission, r => r with { AccountKey = null, SasToken = blind }, s => s.GetColumnsAsync("VIP", default));
        await container.PutAsync("VIP/one.csv", "");
        await Check("InputEmpty", CcErrorKind.InvalidData, r => r, s => s.GetColumnsAsync("VIP", default));
    }

    private sealed class OneToken : IAccessTokens
    {
        public List<string> Scopes { get; } = [];
        public string Identity => "ann@contoso.example";

        public ValueTask<BearerToken> GetAsync(string scope, bool renew, CancellationToken ct)
        {
            Scopes.Add(scope);
            return new(new BearerToken("the-token", DateTimeOffset.UtcNow.AddHours(1)));
        }
    }
}

/// <summary>Addresses of containers, and a service in trouble: no emulator is needed.</summary>
public sealed class BlobAddressTests
{
    [Theory]
    [InlineData("https://acct.blob.core.windows.net/c", "acct", "https://acct.blob.core.windows.net/c", "")]
    [InlineData("https://acct.dfs.core.windows.net/c/a%20b/d/", "acct", "https://acct.blob.core.windows.net/c", "a b/d")]
    [InlineData("https://acct.z7.dfs.storage.azure.net/c/x.csv", "acct", "https://acct.z7.blob.storage.azure.net/c", "x.csv")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1/c/p", "devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1/c", "p")]
    [InlineData("http://localhost:10000/devstoreaccount1/c", "devstoreaccount1", "http://localhost:10000/devstoreaccount1/c", "")]
    public void An_address_is_taken_apart(string address, string account, string container, string prefix)
    {
        BlobAddress parsed = BlobAddress.Parse(new Uri(address));
        Assert.Equal((account, container, prefix), (parsed.Account, parsed.Container.AbsoluteUri, parsed.Prefix));
    }

    [Theory]
    [InlineData("http://acct.blob.core.windows.net/c")]
    [InlineData("https://acct.blob.core.windows.net")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1")]
    [InlineData("https://acct.blob.core.windows.net/c?sv=1&sig=geheim")]
    [InlineData("https://ann:geheim@acct.blob.core.windows.net/c")]
    [InlineData("ftp://acct.blob.core.windows.net/c")]
    public void What_is_no_address_of_a_container_is_refused_without_its_secrets(string address)
    {
        CcException e = Readers.Is("BlobAddressInvalid", Assert.Throws<CcException>(() => BlobSource.Kind.Check(new SourceReference { BlobContainer = new Uri(address), SasToken = "sig=x" })));
        Assert.DoesNotContain("geheim", $"{e} {e.Remedy} {e.Subject}", StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", BlobSource.Kind.LocationOf(new SourceReference { BlobContainer = new Uri(address) }), StringComparison.Ordinal);
    }

    [Fact]
    public void What_it_is_read_with_is_known_and_checked_before_anything_is_asked()
    {
        var place = new SourceReference { BlobContainer = new Uri("https://acct.blob.core.windows.net/c") };
        Assert.Equal(SourceKinds.ExportUser, BlobSource.Kind.ReadWith(place));
        Assert.Equal("SharedAccessSignature", BlobSource.Kind.ReadWith(place with { SasToken = "sig=x" }));
        Assert.Equal("AccountKey", BlobSource.Kind.ReadWith(place with { AccountKey = "AAAA" }));
        string Fails(SourceReference reference) => Assert.Throws<CcException>(() => BlobSource.Kind.Check(reference)).ErrorId;
        Assert.Equal("SignatureInvalid", Fails(place with { SasToken = "sv=1" }));
        Assert.Equal("AccountKeyInvalid", Fails(place with { AccountKey = "DefaultEndpointsProtocol=https" }));
        Assert.Equal("BlobCredentialAmbiguous", Fails(place with { AccountKey = "AAAA", SasToken = "sig=x" }));
        // A token goes to the service itself and nowhere else.
        Assert.Equal("BlobHostUnknown", Fails(new SourceReference { BlobContainer = new Uri("https://core.windows.net.example/c") }));
        Assert.Equal("DelimiterInvalid", Fails(place with { AccountKey = "AAAA", Delimiter = '"' }));
    }

    [Theory]
    [InlineData(HttpStatusCode.ServiceUnavailable, "ServerBusy", "BlobUnavailable", CcErrorKind.Connection)]
    [InlineData(HttpStatusCode.Forbidden, "AuthorizationPermissionMismatch", "BlobAccessDenied", CcErrorKind.Permission)]
    [InlineData(HttpStatusCode.Forbidden, "AuthorizationFailure", "BlobAccessDenied", CcErrorKind.Permission)]
    [InlineData(HttpStatusCode.Forbidden, "AuthenticationFailed", "BlobSignInFailed", CcErrorKind.Authentication)]
    [InlineData(HttpStatusCode.Unauthorized, "InvalidAuthenticationInfo", "BlobSignInFailed", CcErrorKind.Authentication)]
    [InlineData(HttpStatusCode.BadRequest, "Odd", "BlobRefused", CcErrorKind.Service)]
    [InlineData(null, null, "BlobUnreachable", CcErrorKind.Connection)]
    public async Task A_service_in_trouble_is_told_in_words(HttpStatusCode? status, string? code, string id, CcErrorKind kind)
    {
        var reference = new SourceReference { BlobContainer = new Uri("https://acct.blob.core.windows.net/c"), SasToken = "sv=1&sig=geheim" };
        IProfileSource source = BlobSource.Kind.Open(reference, new SourceContext { Time = TimeProvider.System, Network = new Refusing(status, code) });
        CcException e = await Readers.FailsAsync(id, () => source.GetSegmentsAsync(default));
        Assert.Equal(kind, e.Kind);
        Assert.DoesNotContain("geheim", $"{e} {e.Remedy}", StringComparison.Ordinal);
    }

    /// <summary>The client keeps a token for its hour; whether somebody may still be read as is asked before each request.</summary>
    [Fact]
    public async Task Nothing_more_is_asked_as_an_export_user_that_is_gone()
    {
        var network = new Listing();
        var tokens = new Leaving();
        IProfileSource source = BlobSource.Kind.Open(
            new SourceReference { BlobContainer = new Uri("https://acct.blob.core.windows.net/c") }, new SourceContext { Time = TimeProvider.System, Network = network, Tokens = tokens });
        Assert.Equal("one", Assert.Single(await source.GetSegmentsAsync(default)).Name);
        Assert.Equal(1, network.Asked);
        tokens.Gone = true;
        await Readers.FailsAsync("ExportUserChanged", () => source.GetColumnsAsync("one", default));
        Assert.Equal(1, network.Asked);
    }

    private sealed class Leaving : IAccessTokens
    {
        public bool Gone { get; set; }
        public string Identity => "ann@contoso.example";

        public ValueTask<BearerToken> GetAsync(string scope, bool renew, CancellationToken ct) => Gone
            ? throw new CcException("ExportUserChanged", CcErrorKind.Conflict, "The export user was removed while it was in use.", "Begin again.")
            : new(new BearerToken("the-token", DateTimeOffset.UtcNow.AddHours(1)));
    }

    private sealed class Listing : HttpMessageHandler
    {
        private const string One = """
            <?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://acct.blob.core.windows.net/" ContainerName="c"><Blobs><Blob><Name>one.csv</Name>
            <Properties><Etag>0x8D</Etag><Last-Modified>Tue, 24 Nov 2026 06:00:00 GMT</Last-Modified><Content-Length>40</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob></Blobs><NextMarker /></EnumerationResults>
            """;

        public int Asked { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked++;
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(One, System.Text.Encoding.UTF8, "application/xml"), RequestMessage = request });
        }
    }

    private sealed class Refusing(HttpStatusCode? status, string? code) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (status is not { } answered) throw new HttpRequestException("Name or service not known (geheim)");
            var answer = new HttpResponseMessage(answered) { Content = new StringContent("geheim"), RequestMessage = request };
            answer.Headers.Add("x-ms-error-code", code);
            return Task.FromResult(answer);
        }
    }
}
