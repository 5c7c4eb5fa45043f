using System.Text;
using System.Text.Json;
using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;
using CsCheck;

namespace CcExport.Engine.Tests.Mapping;

/// <summary>Random profiles through reader, mapper and sealer, against the slow reference: nothing lost, nothing invented, both limits kept.</summary>
public sealed class MapAndSealPropertyTests
{
    private const string ListId = "7d2c4e90-51b8-11f0-8e21-0e6f3a9c5d10";

    private sealed record Profile(string? Key, string? Email, string? First, string? Custom);

    private static readonly Gen<string?> Emails = Gen.OneOf<string?>(
        Gen.Int[0, 40].Select(i => (string?)$"person{i}@example.com"),
        Gen.Int[0, 40].Select(i => (string?)$"  Person{i}@EXAMPLE.com\u00A0"),
        Gen.Int[0, 10].Select(i => (string?)$"p{i}@bücher.example"),
        Pick.From<string?>(null, "", "   ", "nobody", "a b@example.com", "andrés@example.com", "x@y", "x@-y.de", new string('l', 65) + "@example.com", "a@" + new string('d', 60) + "." + new string('e', 60) + ".de"));

    private static readonly Gen<string?> Texts = Gen.OneOf<string?>(
        Gen.String[Gen.Char["ab \"\\\u0001é中"], 0, 20].Select(s => (string?)s),
        Gen.String[Gen.Char["xyz\u0301 "], 40, 70].Select(s => (string?)("x" + s)),
        Pick.From<string?>(null, "", " ", "\t", "👨‍👩‍👧‍👦", string.Concat(Enumerable.Repeat("👨‍👩‍👧‍👦", 6)), new string('e', 49) + "👍", "e" + new string('\u0301', 80), new string('q', 300)));

    private static readonly Gen<Profile> Profiles = Gen.Select(Gen.Int[0, 1000], Emails, Texts, Texts, (k, e, f, c) => new Profile($"K{k}", e, f, c));

    [Fact]
    public Task Every_profile_has_the_fate_that_the_rules_give_it() => Gen.Select(Profiles.List[0, 120], Gen.Int[1, 12], Gen.Int[2500, 6000]).SampleAsync(async t =>
    {
        (List<Profile> profiles, int rows, int bytes) = t;
        var expected = new List<Dictionary<string, string>>();
        var reasons = new List<(long, string)>();
        var reference = new ReferenceMapper();
        int notes = 0;
        for (int i = 0; i < profiles.Count; i++)
        {
            Profile p = profiles[i];
            (Dictionary<string, string>? contact, string? reason, int noted) = reference.Map(p.Email, ("first_name", p.First, 50), ("cf:tier", p.Custom, 255));
            notes += noted;
            if (contact is not null) expected.Add(contact);
            else reasons.Add((i + 1, reason!));
        }

        var sink = new Sink();
        var counts = new ReadCounts();
        List<string> bodies = [];
        List<RowOrigin> origins = [];
        List<BatchRecord> batches = [];
        await using (var sealer = new BatchSealer(ListId, rows, bytes,
            (_, body, from, _) =>
            {
                bodies.Add(Encoding.UTF8.GetString(body.Span));
                origins.AddRange(BatchSealer.ReadOrigins(from.Span));
                return Task.CompletedTask;
            },
            (batch, _) =>
            {
                batches.Add(batch);
                return Task.CompletedTask;
            }))
        {
            ContactMap map = ContactMap.Create(new Dictionary<string, string> { ["email"] = "Mail", ["first_name"] = "First", ["cf:tier"] = "Custom" });
            await new RunReader(new Rows(profiles), ["all"], map, "Key", long.MaxValue).ReadAsync(sealer, sink, counts, null, _ => { }, null, default);
            await sealer.CompleteAsync(default);
        }

        List<Dictionary<string, string>> sent = [];
        foreach ((string body, BatchRecord batch) in bodies.Zip(batches))
        {
            Assert.Equal(Encoding.UTF8.GetByteCount(body), batch.Bytes);
            Assert.True(batch.Bytes < bytes, $"{batch.Bytes} of {bytes}");
            Assert.InRange(batch.Rows, 1, rows);
            using JsonDocument document = JsonDocument.Parse(body);
            Assert.Equal(["import_data", "list_ids"], document.RootElement.EnumerateObject().Select(p => p.Name));
            Assert.Equal(ListId, Assert.Single(document.RootElement.GetProperty("list_ids").EnumerateArray()).GetString());
            JsonElement data = document.RootElement.GetProperty("import_data");
            Assert.Equal(batch.Rows, data.GetArrayLength());
            sent.AddRange(data.EnumerateArray().Select(c => c.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!)));
        }
        Assert.Equal(expected.Select(Text), sent.Select(Text));
        Assert.Equal(reasons, sink.Rejected);
        Assert.Equal(notes, counts.Noted);
        Assert.Equal(profiles.Count, counts.Read);
        Assert.Equal(counts.Read, counts.Invalid + counts.Duplicate + sent.Count);
        HashSet<long> rejected = [.. reasons.Select(r => r.Item1)];
        Assert.Equal(
            Enumerable.Range(1, profiles.Count).Where(i => !rejected.Contains(i)).Select(i => ((long)i, profiles[i - 1].Key)),
            origins.Select(o => (o.Row, o.Key)));
    }, iter: 3000, seed: "0N0XIzNsQ0O2");

    private static string Text(Dictionary<string, string> contact) => string.Join('|', contact.Select(p => $"{p.Key}={p.Value}"));

    private sealed class Sink : IRejectionSink
    {
        public List<(long, string)> Rejected { get; } = [];

        public void Add(RejectionKind kind, long row, int segment, ReadOnlySpan<byte> key, string? field, string reason)
        {
            if (kind != RejectionKind.Noted) Rejected.Add((row, reason));
        }

        public void AddDuplicate(ProfilePlace profile, ReadOnlySpan<byte> key, ProfilePlace winner) => Rejected.Add((profile.Row, "Duplicate"));

        public void AddUnchanged(uint number, ProfilePlace profile, ReadOnlySpan<byte> key)
        {
        }
    }

    /// <summary>Rows from memory, in batches of seven so that their edges are crossed.</summary>
    private sealed class Rows(List<Profile> profiles) : IProfileSource
    {
        public Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct) => throw new NotSupportedException();

        public Task<IReadOnlyList<string>> GetColumnsAsync(string segment, CancellationToken ct) => Task.FromResult<IReadOnlyList<string>>(["Key", "Mail", "First", "Custom"]);

        public async IAsyncEnumerable<ProfileBatch> ReadAsync(string segment, IReadOnlyList<string> columns, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
        {
            var batch = new ProfileBatch(columns.Count, 7);
            for (int from = 0; from < profiles.Count; from += 7)
            {
                batch.Clear();
                batch.FirstRow = from + 1;
                using var text = new MemoryStream();
                foreach (Profile p in profiles.Skip(from).Take(7)) Fill(batch.AddRow(), p, columns, text);
                batch.Text = text.ToArray();
                yield return batch;
                await Task.Yield();
            }
        }

        private static void Fill(Span<ProfileBatch.Field> fields, Profile p, IReadOnlyList<string> columns, MemoryStream text)
        {
            for (int c = 0; c < columns.Count; c++)
            {
                string? value = columns[c] switch { "Key" => p.Key, "Mail" => p.Email, "First" => p.First, _ => p.Custom };
                byte[] bytes = Encoding.UTF8.GetBytes(value ?? "");
                fields[c] = new ProfileBatch.Field((int)text.Length, value is null ? -1 : bytes.Length);
                text.Write(bytes);
            }
        }
    }
}
