using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.Store;
using CcExport.Engine.Upload;
using CsCheck;

namespace CcExport.Engine.Tests.Exports;

/// <summary>
/// Random profiles of few addresses through reading, sealing and what is done about duplicates afterwards, with a spool and a rejection file on disk,
/// against an oracle that holds all profiles and sorts them out by hand.
/// </summary>
public sealed class DuplicatePropertyTests
{
    private const string ListId = "7d2c4e90-51b8-11f0-8e21-0e6f3a9c5d10";

    private static readonly ContactMap Map = ContactMap.Create(new Dictionary<string, string> { ["email"] = "Mail", ["first_name"] = "First" });

    /// <summary>What each text is worth: a number, a date, or nothing.</summary>
    private static readonly Dictionary<string, (bool IsDate, decimal Value)?> Worth = new()
    {
        [""] = null,
        ["  "] = null,
        ["x"] = null,
        ["12,5"] = null,
        ["10:30"] = null,
        ["5"] = (false, 5),
        ["5.000"] = (false, 5),
        ["007"] = (false, 7),
        ["-1"] = (false, -1),
        ["6.25"] = (false, 6.25m),
        ["2024-01-02"] = (true, new DateTime(2024, 1, 2).Ticks),
        [" 2024-01-02T02:00:00+02:00"] = (true, new DateTime(2024, 1, 2).Ticks),
        ["01/03/2024"] = (true, new DateTime(2024, 1, 3).Ticks),
        ["2024-01-02T00:00:00.0000001Z"] = (true, new DateTime(2024, 1, 2).Ticks + 1),
    };

    private static readonly Gen<TestProfile> Profiles = Gen.Select(Gen.Int[0, 999], Gen.Int[0, 9], Gen.Int[0, 12], Gen.Int[0, Worth.Count - 1], Gen.Bool).Select(
        (key, person, name, worth, upper) => new TestProfile($"K{key}", Mail(person, upper), Name(name), Worth.Keys.ElementAt(worth)));

    private static string Mail(int person, bool upper) => person switch
    {
        0 => "nobody",
        1 => upper ? "INFO@example.com" : "info+x@example.com",
        _ => upper ? $"Person{person}@EXAMPLE.com" : $"person{person}@example.com",
    };

    /// <summary>Every fifth is too long, so that it is cut and noted.</summary>
    private static string Name(int name) => name % 5 == 4 ? new string((char)('a' + name), 60) : $"n{name}";

    private enum Fate
    {
        Invalid,
        Lost,
        Suppressed,
        Unchanged,
        Sent,
    }

    private sealed record Judged(string Segment, long Row, TestProfile Profile)
    {
        public Fate Fate { get; set; }
        public Judged? Winner { get; set; }
        public int Notes { get; set; }
    }

    /// <summary>Person 3 is held out, persons 4 and 5 are new, persons 6 and 7 unchanged under names with an even number.</summary>
    private sealed class Gate(Dictionary<UInt128, string> persons) : IContactGate
    {
        private static readonly HashSet<ulong> KnownContents = [.. from person in new[] { 6, 7 } from upper in new[] { false, true } from name in Enumerable.Range(0, 13)
            where IsUnchanged(Mail(person, upper), Name(name)) select ContentOf(Mail(person, upper), Name(name))];

        public static bool HoldsOut(string mail) => mail.StartsWith("person3@", StringComparison.OrdinalIgnoreCase);
        public static bool IsNew(string mail) => mail.StartsWith("person4@", StringComparison.OrdinalIgnoreCase) || mail.StartsWith("person5@", StringComparison.OrdinalIgnoreCase);
        public static bool IsRemembered(string mail) => mail.StartsWith("person6@", StringComparison.OrdinalIgnoreCase);
        public static bool IsUnchanged(string mail, string name) => mail[6] is '6' or '7' && name is "n0" or "n2" or "n6" or "n8";

        string? IContactGate.HoldOut(UInt128 address) => HoldsOut(persons[address]) ? Reasons.LeftList : null;
        bool IContactGate.IsUnchanged(UInt128 address, ulong content) => KnownContents.Contains(content);
        Standing IContactGate.StandingOf(UInt128 address) => IsNew(persons[address]) ? Standing.New : IsRemembered(persons[address]) ? Standing.Remembered : Standing.NotKnown;

        private static ulong ContentOf(string mail, string name)
            => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes($$"""{"email":"{{mail}}","first_name":"{{name}}"}""")) & ~1UL;
    }

    /// <summary>Learns under which hash the reader knows each address, whatever that is.</summary>
    private sealed class Learner(string[] mails) : IContactGate
    {
        private int _next;

        public Dictionary<UInt128, string> Persons { get; } = [];

        public string? HoldOut(UInt128 address)
        {
            Persons[address] = mails[_next++];
            return null;
        }

        public bool IsUnchanged(UInt128 address, ulong content) => true;
        public Standing StandingOf(UInt128 address) => Standing.NotKnown;
    }

    private static async Task<Dictionary<UInt128, string>> LearnAsync()
    {
        string[] mails = [.. Enumerable.Range(1, 9).SelectMany(person => new[] { Mail(person, upper: true), Mail(person, upper: false) }).Distinct(StringComparer.OrdinalIgnoreCase)];
        var learner = new Learner(mails);
        await using BatchSealer sealer = Nowhere();
        await new RunReader(new SegmentRows([.. mails.Select(m => new TestProfile(null, m, null, null))]), ["S0"], Map, null, long.MaxValue, learner)
            .ReadAsync(sealer, new PreviewRejections(null, ["S0"], 0), new ReadCounts(), null, _ => { }, null, default);
        return learner.Persons;
    }

    private static BatchSealer Nowhere() => new(ListId, 100, Limits.BatchBytes, (_, _, _, _) => Task.CompletedTask, (_, _) => Task.CompletedTask);

    /// <summary>The rules once more: all profiles of an address side by side.</summary>
    private static List<Judged> Judge(IReadOnlyList<TestProfile>[] segments, bool newest, bool gated, bool together)
    {
        List<Judged> all = [.. segments.SelectMany((s, i) => s.Select((p, row) => (Order: TogetherRows.OrderOf(i, row + 1), Judged: new Judged($"S{i}", row + 1, p))))
            .OrderBy(x => together ? x.Order : (0, x.Order.Segment, x.Order.Row)).Select(x => x.Judged)];
        foreach (IGrouping<string, Judged> person in all.GroupBy(j => j.Profile.Mail!.ToLowerInvariant()))
        {
            if (person.Key == "nobody") continue;
            Judged winner = person.First();
            foreach (Judged later in newest ? person.Skip(1) : [])
            {
                if (Worth[later.Profile.Changed!] is { } value && (Worth[winner.Profile.Changed!] is not { } best || (best.IsDate == value.IsDate && value.Value > best.Value))) winner = later;
            }
            foreach (Judged j in person) (j.Fate, j.Winner) = (Fate.Lost, winner);
            winner.Winner = null;
            string mail = winner.Profile.Mail!, name = winner.Profile.First!;
            winner.Fate = gated && Gate.HoldsOut(mail) ? Fate.Suppressed : gated && Gate.IsUnchanged(mail, name) ? Fate.Unchanged : Fate.Sent;
        }
        return all;
    }

    /// <summary>What is listed of a profile in the end.</summary>
    private static IEnumerable<RejectionRecord> Listed(Judged j, bool newest)
    {
        RejectionRecord Of(RejectionKind kind, string field, string reason) => new(kind, j.Row, j.Segment, j.Profile.Key, field, reason, 1, null);
        switch (j.Fate)
        {
            case Fate.Invalid:
                yield return Of(RejectionKind.Invalid, "email", "EmailMalformed");
                break;
            case Fate.Suppressed:
                yield return Of(RejectionKind.Suppressed, "email", "LeftList");
                break;
            case Fate.Lost:
                // Where the first one wins, nobody keeps the key of one that had not changed.
                string? key = j.Winner!.Fate == Fate.Unchanged && !newest ? null : j.Winner.Profile.Key;
                yield return Of(RejectionKind.Duplicate, "email", "Duplicate") with { WinnerRow = j.Winner.Row, WinnerSegment = j.Winner.Segment, WinnerKey = key };
                break;
            case Fate.Sent:
                if (j.Profile.Mail!.StartsWith("info", StringComparison.OrdinalIgnoreCase)) yield return Of(RejectionKind.Noted, "email", "RoleAddress");
                if (j.Profile.First!.Length > 50) yield return Of(RejectionKind.Noted, "first_name", "ValueCut");
                break;
        }
    }

    [Fact]
    public async Task Who_wins_is_sent_and_the_losers_name_the_winner()
    {
        Dictionary<UInt128, string> persons = await LearnAsync();
        Gen<IReadOnlyList<TestProfile>[]> sources = Profiles.List[0, 40].Select(l => (IReadOnlyList<TestProfile>)l).Array[1, 3];
        await Gen.Select(sources, Gen.Bool, Gen.Bool, Gen.Int[1, 12], Gen.Int[1, 5], Gen.Bool).SampleAsync(
            t => RunAsync(t.Item1, newest: t.Item2, gate: t.Item3 ? new Gate(persons) : null, t.Item4, t.Item5, together: t.Item6), iter: 200, seed: "0N0XIzNsQ0O2", threads: 1);
    }

    private static async Task RunAsync(IReadOnlyList<TestProfile>[] segments, bool newest, Gate? gate, int batchRows, int winnersAtOnce, bool together)
    {
        List<Judged> expected = Judge(segments, newest, gate is not null, together);
        var rows = new SegmentRows(segments);
        string[] names = rows.Names;
        IProfileSource source = together ? new TogetherRows(rows) : rows;
        string? column = newest ? "Changed" : null;
        using var temp = new TempHome();
        using var spool = new Spool(Path.Combine(temp.Home.SpoolFolder, "1"), 1, Spool.NewKey());
        var counts = new ReadCounts();
        List<BatchRecord> batches = [];
        IReadOnlyList<BatchRecord> final;
        await using (var rejections = new RunRejections(temp.Home, 1, names))
        await using (var sealer = new BatchSealer(ListId, batchRows, Limits.BatchBytes, spool.WriteAsync, (batch, _) =>
            {
                batches.Add(batch);
                return Task.CompletedTask;
            }))
        {
            var reader = new RunReader(source, names, Map, "Key", long.MaxValue, gate, preferNewest: column);
            await reader.ReadAsync(sealer, rejections, counts, null, _ => { }, null, default);
            await sealer.CompleteAsync(default);
            final = await new DuplicateSettler(spool, rejections, reader.Duplicates, winnersAtOnce)
                .SettleAsync(batches, new BatchSifter(spool, reader.Duplicates, ListId, batchRows, Limits.BatchBytes), default);
            await rejections.FlushAsync(default);
        }

        Assert.Equal(expected.Count, counts.Read);
        foreach ((Fate fate, long count) in new[] { (Fate.Invalid, counts.Invalid), (Fate.Lost, counts.Duplicate), (Fate.Suppressed, counts.Suppressed), (Fate.Unchanged, counts.Unchanged) })
            Assert.Equal((fate, expected.Count(j => j.Fate == fate)), (fate, count));
        List<Judged> sent = [.. expected.Where(j => j.Fate == Fate.Sent)];
        Assert.Equal(gate is null ? 0 : sent.Count(j => Gate.IsNew(j.Profile.Mail!)), counts.New);
        Assert.Equal(gate is null ? 0 : sent.Count(j => Gate.IsRemembered(j.Profile.Mail!)), counts.Remembered);
        Assert.Equal(sent.Count(j => j.Profile.Mail!.StartsWith("info", StringComparison.OrdinalIgnoreCase)), counts.RoleAddresses);
        Assert.Equal(newest ? expected.Count(j => j.Fate != Fate.Invalid && j.Profile.Changed is "x" or "12,5" or "10:30") : 0, counts.NewnessUnreadable);

        Assert.Equal(final.Select(b => b.Number), final.Select(b => b.Number).Distinct());
        Assert.All(final, b => Assert.InRange(b.Rows, 1, batchRows));
        Assert.Equal(
            sent.Select(j => (j.Segment, j.Row, j.Profile.Key, j.Profile.Mail!, First(j))).Order(),
            (await SentAsync(spool, final, names)).Order());
        Assert.Equal(final.Select(b => $"{b.Number:D5}.batch").Order(), Directory.Exists(Path.Combine(temp.Home.SpoolFolder, "1"))
            ? Directory.GetFiles(Path.Combine(temp.Home.SpoolFolder, "1")).Select(f => Path.GetFileName(f)).Order() : []);

        List<RejectionRecord> listed = [];
        await foreach (RejectionRecord r in RejectionFile.ReadAsync(temp.Home, 1, default)) listed.Add(r);
        List<RejectionRecord> wanted = [.. expected.SelectMany(j => Listed(j, newest))];
        Assert.Equal(wanted.Select(r => r.ToString()).Order(), listed.Select(r => r.ToString()).Order());
        Assert.Equal(wanted.Count(r => r.Kind == RejectionKind.Noted), counts.Noted);
        await PreviewAsync(source, names, gate, column, counts, sent.Count, wanted);
    }

    private static string First(Judged j) => j.Profile.First!.Length > 50 ? j.Profile.First[..50] : j.Profile.First;

    private static async Task<List<(string, long, string?, string, string)>> SentAsync(Spool spool, IReadOnlyList<BatchRecord> batches, string[] segments)
    {
        List<(string, long, string?, string, string)> sent = [];
        foreach (BatchRecord batch in batches)
        {
            (byte[] rented, int length) = await spool.ReadBodyAsync(batch.Number, default);
            using JsonDocument body = JsonDocument.Parse(rented.AsSpan(0, length).ToArray());
            BatchMemory.Pool.Return(rented);
            Assert.Equal(batch.Bytes, length);
            Assert.Equal(ListId, Assert.Single(body.RootElement.GetProperty("list_ids").EnumerateArray()).GetString());
            List<RowOrigin> origins = await spool.ReadOriginsAsync(batch.Number, default);
            JsonElement[] contacts = [.. body.RootElement.GetProperty("import_data").EnumerateArray()];
            Assert.Equal((batch.Rows, batch.Rows), (contacts.Length, origins.Count));
            sent.AddRange(contacts.Zip(origins).Select(x => (segments[x.Second.Segment], x.Second.Row, x.Second.Key, x.First.GetProperty("email").GetString()!, x.First.GetProperty("first_name").GetString()!)));
            Assert.All(contacts.Zip(origins), x => Assert.Equal(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(x.First.GetRawText())) & ~1UL, x.Second.Content & ~1UL));
        }
        return sent;
    }

    /// <summary>A preview has neither spool nor file, and says the same.</summary>
    private static async Task PreviewAsync(IProfileSource source, string[] names, Gate? gate, string? column, ReadCounts run, int sent, List<RejectionRecord> wanted)
    {
        var counts = new ReadCounts();
        var rejections = new PreviewRejections(null, names, 1000);
        await using BatchSealer sealer = Nowhere();
        var reader = new RunReader(source, names, Map, "Key", long.MaxValue, gate, preferNewest: column);
        await reader.ReadAsync(sealer, rejections, counts, null, _ => { }, rejections.Remember, default);
        rejections.Settle(reader.Duplicates);
        Assert.Equal(
            (run.Read, run.Invalid, run.Duplicate, run.Suppressed, run.Unchanged, run.New, run.Noted, run.RoleAddresses, run.NewnessUnreadable),
            (counts.Read, counts.Invalid, counts.Duplicate, counts.Suppressed, counts.Unchanged, counts.New, counts.Noted, counts.RoleAddresses, counts.NewnessUnreadable));
        Assert.Equal(sent, sealer.Contacts - reader.Duplicates.BeatenSealed);
        Assert.Equal(wanted.GroupBy(r => r.ReasonId).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => (g.Key, g.LongCount())), rejections.Reasons.Select(r => (r.Key, r.Value)));
        static string Text(string kind, string? segment, long row, string? key, string reason, string? winnerSegment, long? winnerRow, string? winnerKey)
            => $"{kind} {segment} {row} {key} {reason} {winnerSegment} {winnerRow} {winnerKey}";
        Assert.Equal(
            wanted.Select(r => Text(r.Kind.ToString(), r.Segment, r.Row, r.Key, r.ReasonId, r.WinnerSegment, r.WinnerRow == 0 ? null : r.WinnerRow, r.WinnerKey)).Order(),
            rejections.Kept.Select(r => Text(r.Kind, r.Segment, r.Row, r.SourceKey, r.Reason, r.WinnerSegment, r.WinnerRow, r.WinnerKey)).Order());
    }
}
