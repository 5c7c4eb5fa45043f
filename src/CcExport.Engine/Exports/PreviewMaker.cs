using System.Text;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
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
        IProfileSource source = request.Piped is { } piped ? piped : await new SourceBook(parts).OpenAsync(definition.Source!, ct).ConfigureAwait(false);
        IReadOnlyList<string> segments = await Preflight.CheckSourceAsync(source, definition, map, ct).ConfigureAwait(false);

        var reporter = new RunReporter(observer, parts.Time);
        reporter.Stage("Reading", "Reading and mapping profiles; nothing is sent.");
        var rejections = new Collected(name, segments, maxRejections);
        var counts = new ReadCounts();
        List<string> sample = [];
        BatchSealer sealer = new(definition.ListId, definition.BatchSize ?? parts.BatchRows, parts.BatchBytes,
            (_, _, _, _) => Task.CompletedTask, (_, _) => Task.CompletedTask);
        await using (sealer.ConfigureAwait(false))
        {
            var reader = new RunReader(source, segments, map, definition.KeyProperty, definition.MaxProfiles ?? Limits.Profiles);
            await reader.ReadAsync(sealer, rejections, counts, first, c => reporter.Report(c.Read, null, "profiles"),
                () =>
                {
                    if (sample.Count < SampleContacts) sample.Add(sealer.LastContact());
                }, ct).ConfigureAwait(false);
            await sealer.CompleteAsync(ct).ConfigureAwait(false);
            return new Preview
            {
                Export = name,
                ListId = definition.ListId,
                Read = counts.Read,
                Invalid = counts.Invalid,
                Duplicate = counts.Duplicate,
                Suppressed = 0,
                Unchanged = 0,
                WouldSend = sealer.Contacts,
                Noted = counts.Noted,
                Batches = sealer.Batches,
                Bytes = sealer.Bytes,
                LeastSendTime = TimeSpan.FromSeconds(Math.Max(0, sealer.Batches - 1) / (double)Limits.CallsPerSecond),
                Complete = !counts.CutShort,
                Reasons = rejections.Reasons,
                Rejections = rejections.Kept,
                Sample = sample,
                Warnings = Warnings(counts, sealer, rejections),
            };
        }
    }

    private static List<string> Warnings(ReadCounts counts, BatchSealer sealer, Collected rejections)
    {
        List<string> warnings = [];
        if (counts.Read == 0) warnings.Add("The segments hold no profile.");
        else if (sealer.Contacts == 0) warnings.Add("No profile would be sent.");
        if (counts.Read > 0 && counts.Invalid * 10 > counts.Read)
            warnings.Add(FormattableString.Invariant($"{counts.Invalid * 100.0 / counts.Read:N0} % of the profiles are invalid: check that the map names the right columns."));
        if (rejections.Total > rejections.Kept.Count)
            warnings.Add(FormattableString.Invariant($"Only the first {rejections.Kept.Count:N0} of {rejections.Total:N0} rejections and notes are listed."));
        return warnings;
    }

    /// <summary>The first so many rejections as objects, and all of them counted by reason.</summary>
    private sealed class Collected(string? export, IReadOnlyList<string> segments, int most) : IRejectionSink
    {
        private readonly SortedDictionary<string, long> _reasons = new(StringComparer.Ordinal);
        private readonly List<Rejection> _kept = [];

        public IReadOnlyDictionary<string, long> Reasons => _reasons;
        public IReadOnlyList<Rejection> Kept => _kept;
        public long Total { get; private set; }

        public void Add(RejectionKind kind, long row, int segment, ReadOnlySpan<byte> key, string? field, string reason)
        {
            Total++;
            _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
            if (_kept.Count < most)
                _kept.Add(RunViews.Of(0, export, kind, row, segments[segment], key.IsEmpty ? null : Encoding.UTF8.GetString(key), field, reason, 1, null, null));
        }
    }
}
