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
    public static async Task<string> RunAsync(string path, string segment)
    {
        FileSource source = FileSource.Open(path);
        segment = (await source.GetSegmentsAsync(default))[0].Name;
        var map = ContactMap.Create(new Dictionary<string, string> { ["email"] = "EMail", ["first_name"] = "FirstName", ["last_name"] = "LastName" });
        var counts = new ReadCounts();
        await using var sealer = new BatchSealer(Guid.Empty.ToString(), Limits.BatchRows, Limits.BatchBytes, (_, _, _, _) => Task.CompletedTask, (_, _) => Task.CompletedTask);
        await new RunReader(source, [segment], map, null, long.MaxValue).ReadAsync(sealer, new Nowhere(), counts, null, _ => { }, null, default);
        await sealer.CompleteAsync(default);
        return $"read {counts.Read}, invalid {counts.Invalid}, duplicate {counts.Duplicate}, sent {sealer.Contacts}, bodies {sealer.Batches}, bytes {sealer.Bytes}";
    }

    public static async Task<string> ParseAsync(string path)
    {
        FileSource source = FileSource.Open(path);
        string segment = (await source.GetSegmentsAsync(default))[0].Name;
        long rows = 0;
        await foreach (ProfileBatch batch in source.ReadAsync(segment, ["EMail", "FirstName", "LastName"], default)) rows += batch.Rows;
        return $"rows {rows}";
    }

    private sealed class Nowhere : IRejectionSink
    {
        public void Add(RejectionKind kind, long row, int segment, ReadOnlySpan<byte> key, string? field, string reason)
        {
        }
    }
}
