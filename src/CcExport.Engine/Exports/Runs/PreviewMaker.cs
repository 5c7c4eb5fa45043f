using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>Reads, maps and seals as a run would, and throws the batches away: what a person looks at before running. Asks no network.</summary>
internal sealed class PreviewMaker(EngineParts parts, IRunObserver observer)
{
    private const int SampleContacts = 5;

    public async Task<Preview> MakeAsync(RunRequest request, long? first, int maxRejections, CancellationToken ct)
    {
        (string? name, ExportDefinition definition) = await RunDefinitions.ResolveAsync(parts, request, ct).ConfigureAwait(false);
        ContactMap map = ContactMap.Create(definition.Map);
        var reporter = new RunReporter(observer, parts.Time);
        IProfileSource source = request.Piped is { } piped ? piped
            : await new SourceBook(parts).OpenAsync(definition.Source!, new Reader(definition.Connection) { OfExport = true, Warn = reporter.Warning, Verbose = reporter.Verbose }, ct).ConfigureAwait(false);
        IReadOnlyList<string> segments = [.. (await Preflight.CheckSourceAsync(source, definition, map, reporter.Warning, ct).ConfigureAwait(false)).Select(s => s.Name)];

        using Suppressed suppressed = await new SuppressionBook(parts).OpenAsync(definition.SuppressionPath, reporter.Warning, ct).ConfigureAwait(false);
        reporter.Stage("Reading", "Reading and mapping profiles; nothing is sent.");
        var rejections = new PreviewRejections(name, segments, maxRejections);
        var counts = new ReadCounts();
        var sample = new PreviewSample(SampleContacts, mayBeBeaten: definition.PreferNewest is not null);
        BatchSealer sealer = new(definition.ListId, definition.BatchSize ?? parts.BatchRows, parts.BatchBytes,
            (_, _, _, _) => Task.CompletedTask, (_, _) => Task.CompletedTask);
        await using (sealer.ConfigureAwait(false))
        {
            var reader = new RunReader(source, segments, map, definition.KeyProperty, definition.MaxProfiles ?? Limits.Profiles, new SuppressedOnly(suppressed), preferNewest: definition.PreferNewest);
            await reader.ReadAsync(sealer, rejections, counts, first, c => reporter.Report(c.Read, null, "profiles"),
                (number, key) =>
                {
                    if (sample.Takes) sample.Add(number, sealer.LastContact());
                    rejections.Remember(number, key);
                }, ct).ConfigureAwait(false);
            await sealer.CompleteAsync(ct).ConfigureAwait(false);
            rejections.Settle(reader.Duplicates);
            long contacts = sealer.Contacts - reader.Duplicates.BeatenSealed;
            return new Preview
            {
                Export = name,
                ListId = definition.ListId,
                Read = counts.Read,
                Invalid = counts.Invalid,
                Duplicate = counts.Duplicate,
                Suppressed = counts.Suppressed,
                Unchanged = 0,
                WouldSend = contacts,
                Noted = counts.Noted,
                Batches = sealer.Batches,
                Bytes = sealer.Bytes,
                LeastSendTime = TimeSpan.FromSeconds(Math.Max(0, sealer.Batches - 1) / (double)Limits.CallsPerSecond),
                Complete = !counts.CutShort,
                Reasons = rejections.Reasons,
                Rejections = rejections.Kept,
                Sample = sample.Of(reader.Duplicates),
                Warnings = [.. Warnings(counts, contacts, rejections), .. counts.Warnings(definition.PreferNewest)],
            };
        }
    }

    private static List<string> Warnings(ReadCounts counts, long contacts, PreviewRejections rejections)
    {
        List<string> warnings = [];
        if (counts.Read == 0) warnings.Add("The segments hold no profile.");
        else if (contacts == 0) warnings.Add("No profile would be sent.");
        if (counts.Read > 0 && counts.Invalid * 10 > counts.Read)
            warnings.Add(FormattableString.Invariant($"{counts.Invalid * 100.0 / counts.Read:N0} % of the profiles are invalid: check that the map names the right columns."));
        if (rejections.Total > rejections.Kept.Count)
            warnings.Add(FormattableString.Invariant($"Only the first {rejections.Kept.Count:N0} of {rejections.Total:N0} rejections and notes are listed."));
        return warnings;
    }
}

/// <summary>
/// The first few contacts, for a person to look at. Where the newest profile wins, those may all be beaten yet, so that some more are kept, and the last
/// few, which hardly anybody can beat.
/// </summary>
internal sealed class PreviewSample(int most, bool mayBeBeaten)
{
    private const int Reserve = 50;

    private readonly List<(uint Number, string Contact)> _first = [];
    private readonly Queue<(uint Number, string Contact)> _last = [];

    /// <summary>The next contact is wanted.</summary>
    public bool Takes => mayBeBeaten || _first.Count < most;

    public void Add(uint number, string contact)
    {
        if (_first.Count < most + (mayBeBeaten ? Reserve : 0))
        {
            _first.Add((number, contact));
            return;
        }
        _last.Enqueue((number, contact));
        if (_last.Count > most) _last.Dequeue();
    }

    /// <summary>In the order in which they were read. A list by its type too: PowerShell indexes those.</summary>
    public List<string> Of(Duplicates duplicates) => [.. _first.Concat(_last).Where(c => !duplicates.IsBeaten(c.Number)).Take(most).Select(c => c.Contact)];
}
