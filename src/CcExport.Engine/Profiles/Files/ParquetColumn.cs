using System.Runtime.CompilerServices;
using System.Text.Unicode;
using Parquet;
using Parquet.Meta;
using Parquet.Schema;

namespace CcExport.Engine.Profiles;

/// <summary>
/// One column of a Parquet file, a row group at a time. It is asked for by its physical type: text and everything else that is bytes comes as bytes (a value of a
/// dictionary once for all its rows), so that no string is made, and what a number means is told by the schema (<see cref="ParquetValues"/>).
/// </summary>
internal abstract class ParquetColumn(string name, System.Type physical, bool nullable)
{
    public string Name => name;

    /// <summary>How the library is asked for it.</summary>
    public DataField Field { get; } = new(name, physical, nullable);

    /// <summary>Bytes of the longest value that the row group may have.</summary>
    public abstract int Longest { get; }

    /// <summary>Decodes the values of a row group.</summary>
    public abstract Task ReadAsync(ParquetRowGroupReader group, CancellationToken ct);

    /// <summary>Sets the column of all rows of a batch; the first is row <paramref name="from"/> of the row group. Batches go on where the one before ended.</summary>
    public abstract void Fill(ProfileBatch batch, int column, int from, ParquetText text);

    /// <summary>Lets the values go.</summary>
    public abstract void Forget();

    /// <summary>Whether a column of the schema holds one value a row that can be written as text.</summary>
    public static bool CanRead(SchemaElement element)
        => element.NumChildren is null or 0 && element.RepetitionType != FieldRepetitionType.REPEATED && ParquetValues.KindOf(element) != ParquetKind.None;

    /// <summary>
    /// Whether the library decodes it rightly. Bools in runs, as writers of data pages of version 2 have them, it reads as false throughout; and the frames in which Hadoop puts LZ4 it takes for LZ4's
    /// own, without noticing when that comes to nothing.
    /// </summary>
    public static bool CanDecode(ColumnMetaData chunk)
    {
        if (chunk.Codec is CompressionCodec.LZ4 or CompressionCodec.LZO) return false;
        if (chunk.Type != Parquet.Meta.Type.BOOLEAN) return true;
        List<Encoding> all = chunk.Encodings ?? [];
        return chunk.EncodingStats is { Count: > 0 } pages
            ? !pages.Any(page => page.PageType is PageType.DATA_PAGE or PageType.DATA_PAGE_V2 && page.Encoding == Encoding.RLE)
            // Levels are in runs, too: only without a plain page are the values.
            : !all.Contains(Encoding.RLE) || all.Contains(Encoding.PLAIN);
    }

    public static ParquetColumn For(SchemaElement element, string place)
    {
        string name = element.Name;
        bool nullable = element.RepetitionType != FieldRepetitionType.REQUIRED;
        return ParquetValues.KindOf(element) switch
        {
            ParquetKind.Text => new TextColumn(name, nullable, place),
            ParquetKind.Boolean => new ValueColumn<bool>(name, nullable, ParquetValues.Boolean),
            ParquetKind.Int32 => new ValueColumn<int>(name, nullable, ParquetValues.Int32(element)),
            ParquetKind.Int64 => new ValueColumn<long>(name, nullable, ParquetValues.Int64(element)),
            ParquetKind.Single => new ValueColumn<float>(name, nullable, ParquetValues.Number),
            ParquetKind.Double => new ValueColumn<double>(name, nullable, ParquetValues.Number),
            ParquetKind.Int96 => new ValueColumn<DateTime>(name, nullable, ParquetValues.Instant),
            _ => new ValueColumn<ReadOnlyMemory<byte>>(name, nullable, ParquetValues.Bytes(element)),
        };
    }

    /// <summary>Values and levels; the arrays serve all row groups.</summary>
    private abstract class Typed<T>(string name, bool nullable) : ParquetColumn(name, typeof(T), nullable) where T : struct
    {
        private T[] _values = [];
        private int[] _levels = [];
        private int _next;

        protected ReadOnlySpan<T> Values => _values;

        public override async Task ReadAsync(ParquetRowGroupReader group, CancellationToken ct)
        {
            int rows = checked((int)group.RowCount);
            if (_values.Length < rows) _values = new T[rows];
            if (Field.MaxDefinitionLevel > 0 && _levels.Length < rows) _levels = new int[rows];
            _next = 0;
            // The type is said: a bare null would become an empty memory here, not none.
            Memory<int>? levels = Field.MaxDefinitionLevel > 0 ? _levels.AsMemory(0, rows) : (Memory<int>?)null;
            await group.ReadRawAsync(Field, _values.AsMemory(0, rows), levels, null, ct).ConfigureAwait(false);
        }

        public override void Fill(ProfileBatch batch, int column, int from, ParquetText text)
            => _next += Fill(batch, column, Field.MaxDefinitionLevel > 0 ? _levels.AsSpan(from, batch.Rows) : default, _values.AsSpan(_next), text);

        /// <param name="levels">0: the row has no value; empty where all have one.</param>
        /// <param name="values">Those that are there, one after the other.</param>
        /// <returns>How many values were taken.</returns>
        protected abstract int Fill(ProfileBatch batch, int column, ReadOnlySpan<int> levels, ReadOnlySpan<T> values, ParquetText text);

        public override void Forget()
        {
            if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) Array.Clear(_values);
        }
    }

    private sealed class TextColumn(string name, bool nullable, string place) : Typed<ReadOnlyMemory<byte>>(name, nullable)
    {
        private int _longest;

        public override int Longest => _longest;

        public override async Task ReadAsync(ParquetRowGroupReader group, CancellationToken ct)
        {
            await base.ReadAsync(group, ct).ConfigureAwait(false);
            _longest = LongestOf(Values);
            if (_longest > Limits.RecordBytes) throw ParquetErrors.TooLong(place, Name);
        }

        private static int LongestOf(ReadOnlySpan<ReadOnlyMemory<byte>> values)
        {
            int longest = 0;
            foreach (ReadOnlyMemory<byte> value in values) longest = Math.Max(longest, value.Length);
            return longest;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override int Fill(ProfileBatch batch, int column, ReadOnlySpan<int> levels, ReadOnlySpan<ReadOnlyMemory<byte>> values, ParquetText text)
        {
            int next = 0, begin = text.Used, rows = batch.Rows;
            bool cut = false;
            for (int row = 0; row < rows; row++)
            {
                if (levels.Length > 0 && levels[row] == 0)
                {
                    batch.Set(row, column, new(0, -1));
                    continue;
                }
                ReadOnlySpan<byte> value = values[next++].Span;
                cut |= value.Length > 0 && (value[0] & 0xC0) == 0x80;
                batch.Set(row, column, text.Add(value));
            }
            // Laid side by side they are checked at once; a character that is cut in two between values would pass, but for how its second half begins.
            return !cut && Utf8.IsValid(text.Bytes.AsSpan(begin, text.Used - begin)) ? next : throw ParquetErrors.NotText(place, Name);
        }
    }

    private sealed class ValueColumn<T>(string name, bool nullable, ParquetValues.Write<T> write) : Typed<T>(name, nullable) where T : struct
    {
        public override int Longest => ParquetValues.Longest;

        protected override int Fill(ProfileBatch batch, int column, ReadOnlySpan<int> levels, ReadOnlySpan<T> values, ParquetText text)
        {
            int next = 0;
            for (int row = 0; row < batch.Rows; row++)
            {
                if (levels.Length > 0 && levels[row] == 0)
                {
                    batch.Set(row, column, new(0, -1));
                    continue;
                }
                int length = write(values[next++], text.Room(ParquetValues.Longest));
                if (length < 0) batch.SetFault(row, RowFault.Malformed);
                batch.Set(row, column, length < 0 ? new(0, -1) : text.Take(length));
            }
            return next;
        }
    }
}

/// <summary>The bytes that the fields of one batch point into.</summary>
internal sealed class ParquetText(int least)
{
    private byte[] _bytes = new byte[Math.Max(64 * 1024, least)];

    public byte[] Bytes => _bytes;

    public int Used { get; private set; }

    public void Clear() => Used = 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ProfileBatch.Field Add(ReadOnlySpan<byte> value)
    {
        int at = Used;
        if (_bytes.Length - at < value.Length) Grow(value.Length);
        value.CopyTo(_bytes.AsSpan(at));
        Used = at + value.Length;
        return new(at, value.Length);
    }

    public ProfileBatch.Field Add(string value) => Add(System.Text.Encoding.UTF8.GetBytes(value));

    /// <summary>Room to write into; what was written is then taken.</summary>
    public Span<byte> Room(int length)
    {
        if (_bytes.Length - Used < length) Grow(length);
        return _bytes.AsSpan(Used, length);
    }

    public ProfileBatch.Field Take(int length)
    {
        var field = new ProfileBatch.Field(Used, length);
        Used += length;
        return field;
    }

    private void Grow(int by) => Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Used + by));
}
