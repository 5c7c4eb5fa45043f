using System.Runtime.CompilerServices;
using System.Text;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A profile of a test: its values by column, null where it has none.</summary>
internal sealed record TestProfile(string? Key, string? Mail, string? First, string? Changed)
{
    public static IReadOnlyList<string> Columns { get; } = ["Key", "Mail", "First", "Changed"];

    public string? this[string column] => column switch { "Key" => Key, "Mail" => Mail, "First" => First, _ => Changed };
}

/// <summary>Segments from memory, in batches of seven rows so that their edges are crossed.</summary>
internal sealed class SegmentRows(params IReadOnlyList<TestProfile>[] segments) : IProfileSource
{
    public const int Capacity = 7;

    public string[] Names { get; } = [.. segments.Select((_, i) => $"S{i}")];

    public Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct)
        => Task.FromResult<IReadOnlyList<Segment>>([.. Names.Select(n => new Segment { Name = n, DisplayName = n })]);

    public Task<IReadOnlyList<string>> GetColumnsAsync(string segment, CancellationToken ct) => Task.FromResult(TestProfile.Columns);

    public async IAsyncEnumerable<ProfileBatch> ReadAsync(string segment, IReadOnlyList<string> columns, [EnumeratorCancellation] CancellationToken ct)
    {
        IReadOnlyList<TestProfile> profiles = segments[Array.IndexOf(Names, segment)];
        var batch = new ProfileBatch(columns.Count, Capacity);
        for (int from = 0; from < profiles.Count; from += Capacity)
        {
            batch.Clear();
            batch.FirstRow = from + 1;
            using var text = new MemoryStream();
            foreach (TestProfile p in profiles.Skip(from).Take(Capacity)) Fill(batch.AddRow(), p, columns, text);
            batch.Text = text.ToArray();
            yield return batch;
            await Task.Yield();
        }
    }

    private static void Fill(Span<ProfileBatch.Field> fields, TestProfile p, IReadOnlyList<string> columns, MemoryStream text)
    {
        for (int c = 0; c < columns.Count; c++)
        {
            string? value = p[columns[c]];
            byte[] bytes = Encoding.UTF8.GetBytes(value ?? "");
            fields[c] = new ProfileBatch.Field((int)text.Length, value is null ? -1 : bytes.Length);
            text.Write(bytes);
        }
    }
}

/// <summary>The same, read in one pass: seven rows of each segment in turn.</summary>
internal sealed class TogetherRows(SegmentRows rows) : IReadsTogether
{
    public Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct) => rows.GetSegmentsAsync(ct);

    public Task<IReadOnlyList<string>> GetColumnsAsync(string segment, CancellationToken ct) => rows.GetColumnsAsync(segment, ct);

    public IAsyncEnumerable<ProfileBatch> ReadAsync(string segment, IReadOnlyList<string> columns, CancellationToken ct) => rows.ReadAsync(segment, columns, ct);

    public async IAsyncEnumerable<(int Segment, ProfileBatch Batch)> ReadTogetherAsync(
        IReadOnlyList<string> segments, IReadOnlyList<string> columns, [EnumeratorCancellation] CancellationToken ct)
    {
        List<(int Segment, IAsyncEnumerator<ProfileBatch> Batches)> open = [.. segments.Select((s, i) => (i, rows.ReadAsync(s, columns, ct).GetAsyncEnumerator(ct)))];
        while (open.Count > 0)
        {
            foreach ((int segment, IAsyncEnumerator<ProfileBatch> batches) in open.ToList())
            {
                if (await batches.MoveNextAsync()) yield return (segment, batches.Current);
                else open.RemoveAll(o => o.Segment == segment);
            }
        }
    }

    /// <summary>When a row comes, of all.</summary>
    public static (long Turn, int Segment, long Row) OrderOf(int segment, long row) => ((row - 1) / SegmentRows.Capacity, segment, row);
}
