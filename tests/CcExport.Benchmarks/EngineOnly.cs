using System.Globalization;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Benchmarks;

/// <summary>The engine's reading side alone: no spool, no network, no shell.</summary>
internal static class EngineOnly
{
    private static readonly string[] Columns = ["EMail", "FirstName", "LastName"];

    public static async Task<string> RunAsync(string path, string segment)
    {
        FileSource source = FileSource.Open(path);
        segment = (await source.GetSegmentsAsync(default))[0].Name;
        return await RunAsync(source, segment);
    }

    /// <summary>What maps and encodes, alone: the profiles are in memory before the clock starts.</summary>
    public static async Task<string> EncodeAsync(string path)
    {
        FileSource source = FileSource.Open(path);
        string segment = (await source.GetSegmentsAsync(default))[0].Name;
        var ready = new ReadySource();
        await foreach (ProfileBatch batch in source.ReadAsync(segment, Columns, default)) ready.Keep(batch);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        string told = await RunAsync(ready, segment);
        return string.Create(CultureInfo.InvariantCulture, $"{told}, encoder cpu {(Environment.CpuUsage.TotalTime - before).TotalMilliseconds:F0} ms");
    }

    private static async Task<string> RunAsync(IProfileSource source, string segment)
    {
        var map = ContactMap.Create(new Dictionary<string, string> { ["email"] = "EMail", ["first_name"] = "FirstName", ["last_name"] = "LastName" });
        var counts = new ReadCounts();
        await using var sealer = new BatchSealer(Guid.Empty.ToString(), Limits.BatchRows, Limits.BatchBytes, (_, _, _, _) => Task.CompletedTask, (_, _) => Task.CompletedTask);
        await new RunReader(source, [segment], map, null, long.MaxValue).ReadAsync(sealer, new Nowhere(), counts, null, _ => { }, null, default);
        await sealer.CompleteAsync(default);
        return $"read {counts.Read}, invalid {counts.Invalid}, duplicate {counts.Duplicate}, sent {sealer.Contacts}, bodies {sealer.Batches}, bytes {sealer.Bytes}";
    }

    /// <summary>Batches that have been read already.</summary>
    private sealed class ReadySource : IProfileSource
    {
        private readonly List<ProfileBatch> _batches = [];

        public void Keep(ProfileBatch batch)
        {
            var copy = new ProfileBatch(batch.Columns, batch.Capacity) { FirstRow = batch.FirstRow };
            var text = new MemoryStream();
            for (int row = 0; row < batch.Rows; row++)
            {
                Span<ProfileBatch.Field> fields = copy.AddRow(batch.FaultOf(row));
                for (int column = 0; column < batch.Columns; column++)
                {
                    fields[column] = new((int)text.Position, batch.IsNull(row, column) ? -1 : batch[row, column].Length);
                    text.Write(batch[row, column]);
                }
            }
            copy.Text = text.ToArray();
            _batches.Add(copy);
        }

        public Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct) => Task.FromResult<IReadOnlyList<Segment>>([]);

        public Task<IReadOnlyList<string>> GetColumnsAsync(string segment, CancellationToken ct) => Task.FromResult<IReadOnlyList<string>>(Columns);

        public IAsyncEnumerable<ProfileBatch> ReadAsync(string segment, IReadOnlyList<string> columns, CancellationToken ct)
            => columns.SequenceEqual(Columns) ? _batches.ToAsyncEnumerable() : throw new InvalidOperationException($"Other columns: {string.Join(',', columns)}");
    }

    public static async Task<string> ParseAsync(string path)
    {
        FileSource source = FileSource.Open(path);
        string segment = (await source.GetSegmentsAsync(default))[0].Name;
        long rows = 0;
        await foreach (ProfileBatch batch in source.ReadAsync(segment, Columns, default)) rows += batch.Rows;
        return $"rows {rows}";
    }

    private sealed class Nowhere : IRejectionSink
    {
        public void Add(RejectionKind kind, long row, int segment, ReadOnlySpan<byte> key, string? field, string reason)
        {
        }

        public void AddDuplicate(ProfilePlace profile, ReadOnlySpan<byte> key, ProfilePlace winner)
        {
        }

        public void AddUnchanged(uint number, ProfilePlace profile, ReadOnlySpan<byte> key)
        {
        }
    }
}
