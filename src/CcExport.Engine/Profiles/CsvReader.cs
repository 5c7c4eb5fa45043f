namespace CcExport.Engine.Profiles;

/// <summary>Reads one delimited text that is already valid UTF-8 (see the input stream), field by field, without a string.</summary>
internal sealed class CsvReader(Stream utf8, CsvFormat format, string place)
{
    /// <summary>Reads up to the end of the header (or settles the given names) and returns the columns. Once, first.</summary>
    public Task<IReadOnlyList<string>> ReadHeaderAsync(CancellationToken ct) => throw new NotSupportedException($"{utf8}{format}{place}{ct}");

    /// <summary>The rows; <paramref name="ordinals"/> are positions in the header; the first row has the number <paramref name="firstRow"/>.</summary>
    public IAsyncEnumerable<ProfileBatch> ReadAsync(int[] ordinals, long firstRow, CancellationToken ct)
        => throw new NotSupportedException($"{ordinals}{firstRow}{ct}");
}
