using System.Runtime.CompilerServices;

namespace CcExport.Engine.Profiles;

/// <summary>How the text of a part is written.</summary>
internal enum PartKind
{
    /// <summary>
    /// <c>PAR1</c> makes it Parquet; a first byte that is <c>{</c> or <c>[</c>, JSON lines (a JSON array is then refused with advice); any other, delimited.
    /// </summary>
    ByContent,
    Csv,
    JsonLines,
    Parquet,
}

/// <summary>One file of a segment.</summary>
internal sealed record SegmentPart(IFileTree Tree, string Path, PartKind Kind, CsvFormat Csv, string? Encoding)
{
    /// <summary>The names that a header must have, in any order (<c>model.json</c> with <c>columnHeaders</c>); null: any.</summary>
    public IReadOnlyList<string>? MustHave { get; init; }

    /// <summary>True where no bytes are no rows: a part without a header. Elsewhere an empty file is one that somebody failed to write.</summary>
    public bool MayBeEmpty { get; init; }

    /// <summary>Columns that stand in the names of the folders it lies in, not in it (<c>Country=UA</c>), with their values.</summary>
    public IReadOnlyList<PartitionValue> Partition { get; init; } = [];

    /// <summary>The names of columns in this file, and whether they are all: each record of JSON names its own.</summary>
    public async Task<(IReadOnlyList<string> Names, bool AreAll)> ReadColumnsAsync(CancellationToken ct)
    {
        if (await ParquetAsync(ct).ConfigureAwait(false) is { } file)
        {
            await using ConfiguredAsyncDisposable open = file.ConfigureAwait(false);
            return ((await ParquetPart.OpenAsync(file, Path, Partition, ct).ConfigureAwait(false)).Columns, true);
        }
        var text = new PeekStream(await OpenAsync(ct).ConfigureAwait(false));
        await using ConfiguredAsyncDisposable closing = text.ConfigureAwait(false);
        return await IsJsonAsync(text, ct).ConfigureAwait(false)
            ? (await new JsonLinesReader(text, Path).ReadColumnsAsync(ct).ConfigureAwait(false), false)
            : (await HeaderAsync(new CsvReader(text, Csv, Path), ct).ConfigureAwait(false), true);
    }

    /// <summary>The rows of this file, numbered from <paramref name="firstRow"/>.</summary>
    /// <param name="met">Notes which columns records of JSON had; null: each file by itself must have all.</param>
    public async IAsyncEnumerable<ProfileBatch> ReadAsync(
        IReadOnlyList<string> columns, long firstRow, ColumnsMet? met, [EnumeratorCancellation] CancellationToken ct)
    {
        if (await ParquetAsync(ct).ConfigureAwait(false) is { } file)
        {
            await using ConfiguredAsyncDisposable open = file.ConfigureAwait(false);
            ParquetPart parquet = await ParquetPart.OpenAsync(file, Path, Partition, ct).ConfigureAwait(false);
            met?.Columns.UnionWith(columns);
            await foreach (ProfileBatch batch in parquet.ReadAsync(columns, firstRow, ct).ConfigureAwait(false)) yield return batch;
            yield break;
        }
        var text = new PeekStream(await OpenAsync(ct).ConfigureAwait(false));
        await using ConfiguredAsyncDisposable closing = text.ConfigureAwait(false);
        IAsyncEnumerable<ProfileBatch> rows;
        if (await IsJsonAsync(text, ct).ConfigureAwait(false))
        {
            rows = new JsonLinesReader(text, Path).ReadAsync(columns, firstRow, ct, met);
        }
        else
        {
            var csv = new CsvReader(text, Csv, Path);
            IReadOnlyList<string> header = await HeaderAsync(csv, ct).ConfigureAwait(false);
            met?.Columns.UnionWith(columns);
            rows = csv.ReadAsync(Columns.Find(columns, header, Path), firstRow, ct);
        }
        await foreach (ProfileBatch batch in rows.ConfigureAwait(false)) yield return batch;
    }

    private Task<Stream> OpenAsync(CancellationToken ct) => InputFile.OpenAsync(Tree, Path, Encoding, MayBeEmpty, ct);

    /// <summary>The file, if it is a Parquet file by its name or, without a name that says so, by its first bytes.</summary>
    private async ValueTask<IPlacedFile?> ParquetAsync(CancellationToken ct)
    {
        if (Kind is not (PartKind.Parquet or PartKind.ByContent)) return null;
        IPlacedFile file = await Tree.OpenPlacedAsync(Path, ct).ConfigureAwait(false);
        try
        {
            if (Kind == PartKind.Parquet) return file;
            byte[] head = new byte[ParquetPart.Magic.Length];
            if (file.Length > head.Length)
            {
                await file.ReadAsync(0, head, ct).ConfigureAwait(false);
                if (head.AsSpan().SequenceEqual(ParquetPart.Magic)) return file;
            }
        }
        catch
        {
            await file.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        await file.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    private async Task<IReadOnlyList<string>> HeaderAsync(CsvReader csv, CancellationToken ct)
    {
        IReadOnlyList<string> header = await csv.ReadHeaderAsync(ct).ConfigureAwait(false);
        if (MustHave is null || SameNames(header, MustHave)) return header;
        string[] missing = [.. MustHave.Except(header, StringComparer.OrdinalIgnoreCase)];
        // What it has besides is not shown: where there is no header it is a person.
        int extra = header.Except(MustHave, StringComparer.OrdinalIgnoreCase).Count();
        throw new CcException("ModelHeaderMismatch", CcErrorKind.InvalidData,
            $"The header of '{Path}' is not what model.json says."
            + (missing.Length > 0 ? $" It lacks: {string.Join(", ", missing.Take(20))}." : "")
            + (extra > 0 ? $" It has {extra} that model.json does not name." : ""),
            "The files and model.json are of different runs, or 'columnHeaders' is wrong: export the segment again.")
        { Subject = Path };
    }

    private static bool SameNames(IReadOnlyList<string> a, IReadOnlyList<string> b)
        => a.Count == b.Count && a.Order(StringComparer.OrdinalIgnoreCase).SequenceEqual(
            b.Order(StringComparer.OrdinalIgnoreCase), StringComparer.OrdinalIgnoreCase);

    private async ValueTask<bool> IsJsonAsync(PeekStream text, CancellationToken ct)
    {
        if (Kind != PartKind.ByContent) return Kind == PartKind.JsonLines;
        const int Look = 4096;
        ReadOnlySpan<byte> head = (await text.PeekAsync(Look, ct).ConfigureAwait(false)).Span.TrimStart(" \t\r\n"u8);
        return head is [(byte)'{' or (byte)'[', ..];
    }
}
