using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Parquet;
using Parquet.Meta;
using Parquet.Schema;

namespace CcExport.Engine.Profiles;

/// <summary>
/// One Parquet file: its end says what is where, then its row groups are read one after the other, and of each only the asked columns. Their bytes are fetched
/// whole and without blocking before the library decodes them; values stay the UTF-8 they are and are laid side by side only for the batch.
/// </summary>
internal sealed class ParquetPart
{
    /// <summary>Bytes from the end that are fetched at once: more than the description of most files.</summary>
    private const int Tail = 64 * 1024;

    /// <summary>What a file may say of itself; more is no description.</summary>
    private const int LargestFooter = 256 * 1024 * 1024;

    private const int FullBytes = 4 * 1024 * 1024;

    private readonly IPlacedFile _file;
    private readonly string _place;
    private readonly IReadOnlyList<PartitionValue> _partition;
    private readonly WindowStream _window;
    private readonly ParquetReader _reader;
    private readonly FileMetaData _meta;
    private readonly List<SchemaElement> _columns = [];
    private readonly List<string> _unreadable = [];

    public static ReadOnlySpan<byte> Magic => "PAR1"u8;

    private ParquetPart(IPlacedFile file, string place, IReadOnlyList<PartitionValue> partition, WindowStream window, ParquetReader reader)
    {
        (_file, _place, _partition, _window, _reader) = (file, place, partition, window, reader);
        _meta = reader.Metadata ?? throw new InvalidDataException();
        int next = 1;
        while (next < _meta.Schema.Count)
        {
            SchemaElement element = _meta.Schema[next];
            if (ParquetColumn.CanRead(element)) _columns.Add(element);
            else _unreadable.Add(element.Name);
            next = After(next);
        }
        Columns = [.. _columns.Select(column => column.Name), .. partition.Select(value => value.Column).Where(name => _columns.All(column => column.Name != name))];
    }

    /// <summary>Its columns that hold one value a row, and those of its folders.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Reads the file's description.</summary>
    public static async Task<ParquetPart> OpenAsync(IPlacedFile file, string place, IReadOnlyList<PartitionValue> partition, CancellationToken ct)
    {
        if (file.Length < 12) throw ParquetErrors.NotParquet(place);
        byte[] tail = new byte[(int)Math.Min(Tail, file.Length)];
        await file.ReadAsync(file.Length - tail.Length, tail, ct).ConfigureAwait(false);
        ReadOnlySpan<byte> mark = tail.AsSpan(tail.Length - Magic.Length);
        if (mark.SequenceEqual("PARE"u8)) throw ParquetErrors.Encrypted(place);
        if (!mark.SequenceEqual(Magic))
        {
            byte[] head = new byte[Magic.Length];
            await file.ReadAsync(0, head, ct).ConfigureAwait(false);
            throw head.AsSpan().SequenceEqual(Magic) ? ParquetErrors.CutShort(place) : ParquetErrors.NotParquet(place);
        }
        uint footer = BinaryPrimitives.ReadUInt32LittleEndian(tail.AsSpan(tail.Length - 8));
        if (footer > LargestFooter || footer + 12 > file.Length) throw ParquetErrors.Damaged(place, null);
        int needed = (int)footer + 8;
        if (needed > tail.Length)
        {
            byte[] whole = new byte[needed];
            await file.ReadAsync(file.Length - needed, whole.AsMemory(0, needed - tail.Length), ct).ConfigureAwait(false);
            tail.CopyTo(whole, needed - tail.Length);
            tail = whole;
        }
        var window = new WindowStream(file.Length);
        window.Show(file.Length - tail.Length, tail);
        // The library looks at the mark in front, too; what it would say of a file whose end is right is not worth a request.
        window.ShowAlso(0, Magic.ToArray());
        return await ParquetErrors.TellAsync(place, async () =>
        {
            ParquetReader reader = await ParquetReader.CreateAsync(window, cancellationToken: ct).ConfigureAwait(false);
            if (reader.Metadata?.EncryptionAlgorithm is not null) throw ParquetErrors.Encrypted(place);
            return new ParquetPart(file, place, partition, window, reader);
        }).ConfigureAwait(false);
    }

    /// <summary>The rows, in batches.</summary>
    public async IAsyncEnumerable<ProfileBatch> ReadAsync(IReadOnlyList<string> asked, long firstRow, [EnumeratorCancellation] CancellationToken ct)
    {
        if (asked.FirstOrDefault(name => _unreadable.Contains(name, StringComparer.OrdinalIgnoreCase) && !Columns.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } nested)
            throw ParquetErrors.Nested(_place, nested);
        int[] found = Profiles.Columns.Find(asked, Columns, _place);
        int[] distinct = [.. found.Distinct()];
        ParquetColumn[] columns = [.. distinct.Where(at => at < _columns.Count).Select(at => ParquetColumn.For(_columns[at], _place))];
        // It tells the fields where they lie; a schema without fields is none to the library.
        if (columns.Length > 0) _ = new ParquetSchema([.. columns.Select(column => column.Field)]);
        var batch = new ProfileBatch(asked.Count) { FirstRow = firstRow };
        var text = new ParquetText(_partition.Where(value => value.Value is not null).Sum(value => value.Value!.Length * 3));
        foreach (ParquetRowGroupReader group in _reader.RowGroups)
        {
            ct.ThrowIfCancellationRequested();
            int rows = checked((int)group.RowCount);
            if (rows == 0) continue;
            await ReadGroupAsync(group, columns, ct).ConfigureAwait(false);
            int most = RowsOfBatch(columns);
            for (int from = 0; from < rows; from += batch.Rows)
            {
                ct.ThrowIfCancellationRequested();
                batch.Clear();
                batch.AddRows(Math.Min(most, rows - from));
                Fill(batch, text, columns, found, distinct, from);
                yield return batch;
                batch.FirstRow += batch.Rows;
            }
            foreach (ParquetColumn column in columns) column.Forget();
        }
        _file.CheckUnchanged();
    }

    private void Fill(ProfileBatch batch, ParquetText text, ParquetColumn[] columns, int[] found, int[] distinct, int from)
    {
        text.Clear();
        int next = 0;
        foreach (int at in distinct)
        {
            int slot = Array.IndexOf(found, at);
            if (at < _columns.Count)
            {
                columns[next++].Fill(batch, slot, from, text);
                continue;
            }
            string? constant = _partition.Last(value => value.Column == Columns[at]).Value;
            ProfileBatch.Field field = constant is null ? new(0, -1) : text.Add(constant);
            for (int row = 0; row < batch.Rows; row++) batch.Set(row, slot, field);
        }
        for (int i = 0; i < found.Length; i++)
        {
            if (Array.IndexOf(found, found[i]) is var first && first < i) batch.CopyColumn(first, i);
        }
        batch.Text = text.Bytes;
    }

    /// <summary>Fetches the asked columns of a row group, all at once, and decodes them.</summary>
    private async Task ReadGroupAsync(ParquetRowGroupReader group, ParquetColumn[] columns, CancellationToken ct)
    {
        var chunks = new (long Start, byte[] Bytes, int Length)[columns.Length];
        try
        {
            for (int i = 0; i < chunks.Length; i++)
            {
                (long start, int length) = PlaceOf(group, columns[i]);
                chunks[i] = (start, ArrayPool<byte>.Shared.Rent(length), length);
            }
            await Task.WhenAll(chunks.Select(chunk => _file.ReadAsync(chunk.Start, chunk.Bytes.AsMemory(0, chunk.Length), ct).AsTask())).ConfigureAwait(false);
            for (int i = 0; i < chunks.Length; i++)
            {
                ParquetColumn column = columns[i];
                _window.Show(chunks[i].Start, chunks[i].Bytes.AsMemory(0, chunks[i].Length));
                await ParquetErrors.TellAsync(_place, async () =>
                {
                    await column.ReadAsync(group, ct).ConfigureAwait(false);
                    return true;
                }).ConfigureAwait(false);
            }
        }
        finally
        {
            foreach ((_, byte[]? bytes, _) in chunks)
            {
                if (bytes is not null) ArrayPool<byte>.Shared.Return(bytes);
            }
        }
    }

    private (long Start, int Length) PlaceOf(ParquetRowGroupReader group, ParquetColumn column)
    {
        ColumnChunk? chunk = group.GetMetadata(column.Field);
        if (chunk?.CryptoMetadata is not null) throw ParquetErrors.Encrypted(_place);
        if (chunk?.MetaData is not { } meta || meta.NumValues != group.RowCount || chunk.FilePath is not null) throw ParquetErrors.Damaged(_place, column.Name);
        if (!ParquetColumn.CanDecode(meta)) throw ParquetErrors.NotSupported(_place, column.Name);
        long start = new[] { meta.DictionaryPageOffset ?? 0, meta.DataPageOffset, meta.IndexPageOffset ?? 0 }.Where(offset => offset != 0).DefaultIfEmpty().Min();
        if (start < Magic.Length || meta.TotalCompressedSize is < 0 or > int.MaxValue / 2 || start + meta.TotalCompressedSize > _file.Length)
            throw ParquetErrors.Damaged(_place, column.Name);
        return (start, (int)meta.TotalCompressedSize);
    }

    /// <summary>As many rows as make a batch of a bearable size, however long their values are.</summary>
    private static int RowsOfBatch(ParquetColumn[] columns)
    {
        long widest = columns.Sum(column => (long)column.Longest);
        return (int)Math.Clamp(FullBytes / Math.Max(1, widest), 1, ProfileBatch.DefaultCapacity);
    }

    /// <summary>The element after one and all that lies in it: the schema is a tree, written down from top to bottom.</summary>
    private int After(int at)
    {
        int open = 1;
        while (open > 0)
        {
            if (at >= _meta.Schema.Count) throw ParquetErrors.Damaged(_place, null);
            open += (_meta.Schema[at++].NumChildren ?? 0) - 1;
        }
        return at;
    }
}
