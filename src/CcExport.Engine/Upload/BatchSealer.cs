using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using CcExport.Engine.Store;

namespace CcExport.Engine.Upload;

/// <summary>Where the contact of a batch's row came from, so that a refusal can be named, and by what it is remembered.</summary>
/// <param name="Address">Hash of its address.</param>
/// <param name="Content">Hash of the contact as it is sent; the lowest bit is 1 when it was proved not to be on the list before.</param>
internal readonly record struct RowOrigin(long Row, int Segment, string? Key, UInt128 Address, ulong Content)
{
    public bool IsNew => (Content & 1) != 0;
}

/// <summary>Where a sealed batch goes.</summary>
internal delegate Task BatchWriter(int batch, Memory<byte> body, Memory<byte> origins, CancellationToken ct);

/// <summary>
/// Gathers contacts into the bodies of import requests and seals each into the spool when the next contact would pass a limit of
/// rows or encoded bytes. Contacts are written straight into the body by <see cref="Writer"/>; beside the body goes a list of
/// origins. A body that is full is sealed by another thread while the next one fills.
/// </summary>
internal sealed class BatchSealer : IAsyncDisposable
{
    public const int OriginHead = 36;

    private readonly BatchWriter _write;
    private readonly BatchCounts _counts;
    private readonly byte[] _prefix = "{\"import_data\":["u8.ToArray();
    private readonly byte[] _suffix;
    private readonly int _bytes;
    private readonly int _batchSize;
    private readonly int _bodyLimit;
    private readonly Func<BatchRecord, CancellationToken, Task> _sealed;
    private Body _body;
    private Task _sealing = Task.CompletedTask;
    private Body? _spare;
    private int _number;

    /// <param name="bytes">Bytes that a body must stay under.</param>
    /// <param name="write">Spools a body and its origins (they are its to write over); a plan throws them away.</param>
    /// <param name="sealed">Writes the sealed batch down; called after <paramref name="write"/>, in order.</param>
    /// <param name="after">Number of the run's last batch so far.</param>
    /// <param name="taken">Row counts of the run's other batches, which no new one may be mistaken for.</param>
    public BatchSealer(
        string listId, int batchSize, int bytes, BatchWriter write, Func<BatchRecord, CancellationToken, Task> @sealed, int after = 0, IEnumerable<int>? taken = null)
    {
        _write = write;
        _number = after;
        _counts = new BatchCounts(batchSize, taken);
        _suffix = Encoding.UTF8.GetBytes($"],\"list_ids\":[\"{JsonEncodedText.Encode(listId)}\"]}}");
        (_bytes, _batchSize) = (bytes, batchSize);
        _bodyLimit = bytes - 1 - _suffix.Length;
        _sealed = @sealed;
        _body = new Body(bytes, batchSize);
        Writer = new Utf8JsonWriter(_body, new JsonWriterOptions { Encoder = WireJson.Encoder, SkipValidation = true });
        Begin(_body);
    }

    /// <summary>Where the next contact is to be written, as one JSON object; then <see cref="Commit"/>.</summary>
    public Utf8JsonWriter Writer { get; }

    public int Batches => _number;

    public long Contacts { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>The first contacts' JSON, for a preview. Asked right after <see cref="Commit"/>, before the next.</summary>
    public string LastContact()
    {
        int start = _body.Rows > 1 ? _body.RowEnds[_body.Rows - 2] + 1 : _prefix.Length;
        return Encoding.UTF8.GetString(_body.Text, start, _body.RowEnds[_body.Rows - 1] - start);
    }

    /// <summary>Hash of the contact just written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public ulong HashOfContact()
    {
        Writer.Flush();
        return XxHash3.HashToUInt64(_body.Text.AsSpan(_body.RowStart, _body.Length - _body.RowStart)) & ~1UL;
    }

    /// <summary>Takes the contact just written back: it is not sent.</summary>
    public void Discard()
    {
        Writer.Flush();
        Writer.Reset();
        _body.Length = _body.RowStart;
    }

    /// <summary>Takes the contact just written; true when the body must be sealed before the next.</summary>
    /// <param name="content">From <see cref="HashOfContact"/>, with the lowest bit as <see cref="RowOrigin.IsNew"/> has it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Commit(long row, int segment, ReadOnlySpan<byte> key, UInt128 address, ulong content)
    {
        Writer.Flush();
        Writer.Reset();
        _body.EndRow(row, segment, key, address, content);
        Contacts++;
        if (_body.Rows >= _counts.Cap || _body.Length > _bodyLimit) return true;
        _body.BeginRow((byte)',');
        return false;
    }

    /// <summary>Seals what fits; what is over begins the next batch.</summary>
    public async ValueTask SealAsync(CancellationToken ct)
    {
        int fits = _body.Length > _bodyLimit ? _body.Rows - 1 : _body.Rows;
        await SealAsync(Math.Max(1, fits), ct).ConfigureAwait(false);
        if (_body.Rows > 0) _body.BeginRow((byte)',');
    }

    /// <summary>Seals the rest and waits until all is flushed.</summary>
    public async Task CompleteAsync(CancellationToken ct)
    {
        if (_body.Rows > 0) _body.Length = _body.RowEnds[_body.Rows - 1];   // without the comma after the last contact
        while (_body.Rows > 0) await SealAsync(_body.Rows, ct).ConfigureAwait(false);
        await _sealing.ConfigureAwait(false);
    }

    private async ValueTask SealAsync(int fits, CancellationToken ct)
    {
        int rows = _counts.Take(fits);
        // One body is being sealed while the other fills: wait for the former before handing over this one.
        await _sealing.ConfigureAwait(false);
        Body full = _body, next = _spare ?? new Body(_bytes, _batchSize);
        _spare = null;
        Begin(next);
        full.MoveRows(rows, next);
        _body = next;
        Writer.Reset(next);

        if (full.Length > _bodyLimit) throw new InvalidOperationException("One contact is larger than a whole batch may be.");
        full.Append(_suffix);
        int number = ++_number;
        Bytes += full.Length;
        _sealing = Task.Run(() => WriteAsync(full, number, rows, ct), ct);
    }

    private async Task WriteAsync(Body full, int number, int rows, CancellationToken ct)
    {
        int bytes = full.Length;
        await _write(number, full.Text.AsMemory(0, bytes), full.Origins.AsMemory(0, full.OriginLength), ct).ConfigureAwait(false);
        await _sealed(new BatchRecord { Number = number, Rows = rows, Bytes = bytes, State = BatchState.Sealed }, ct).ConfigureAwait(false);
        _spare = full;
    }

    private void Begin(Body body)
    {
        body.Clear();
        body.Append(_prefix);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _sealing.ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Whoever awaited the sealing has it; here it only must not hold the buffers any more.
        }
        await Writer.DisposeAsync().ConfigureAwait(false);
        _body.Dispose();
        _spare?.Dispose();
    }

    /// <summary>Reads a batch's origins back: row, segment, key, one after the other.</summary>
    public static List<RowOrigin> ReadOrigins(ReadOnlySpan<byte> origins)
    {
        List<RowOrigin> rows = [];
        var reader = new OriginReader(origins);
        while (reader.Next()) rows.Add(new RowOrigin(reader.Row, reader.Segment, reader.Key.IsEmpty ? null : Encoding.UTF8.GetString(reader.Key), reader.Address, reader.Content));
        return rows;
    }

    /// <summary>One body in the making: its bytes, where each row ends, and the rows' origins.</summary>
    private sealed class Body(int bytes, int rows) : IBufferWriter<byte>, IDisposable
    {
        /// <summary>
        /// Room past the limit for the contact that passes it. The largest one (25 custom fields, addresses and names, all escaped) takes
        /// 60 KB; and body and slack together stay below 4 MiB, above which the pool would hand out twice as much.
        /// </summary>
        public const int Slack = 128 * 1024;

        private const int LargestGuess = 4 * 1024 * 1024;

        private int[] _originEnds = new int[rows + 1];

        public byte[] Text { get; private set; } = BatchMemory.Pool.Rent(bytes + Slack);
        public int Length { get; set; }
        public int[] RowEnds { get; private set; } = new int[rows + 1];
        public int Rows { get; private set; }
        /// <summary>Where the contact in the making begins.</summary>
        public int RowStart { get; private set; }
        public byte[] Origins { get; private set; } = BatchMemory.Pool.Rent(64 * 1024);
        public int OriginLength { get; private set; }

        public void Clear() => Length = Rows = OriginLength = 0;

        public void Append(ReadOnlySpan<byte> more)
        {
            more.CopyTo(Text.AsSpan(Length));
            Length += more.Length;
            RowStart = Length;
        }

        public void BeginRow(byte comma)
        {
            Text[Length++] = comma;
            RowStart = Length;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void EndRow(long row, int segment, ReadOnlySpan<byte> key, UInt128 address, ulong content)
        {
            if (key.Length > ushort.MaxValue) key = key[..ushort.MaxValue];
            if (Origins.Length < OriginLength + OriginHead + key.Length)
            {
                // Keys are as long as each other, as a rule: so the second array is as large as the last, and the pool does not hold every size between.
                int likely = Rows < 64 ? 0 : (int)Math.Min(LargestGuess, (long)OriginLength / Rows * _originEnds.Length * 17 / 16);
                byte[] larger = BatchMemory.Pool.Rent(Math.Max(Math.Max(likely, Origins.Length * 2), OriginLength + OriginHead + key.Length));
                Origins.AsSpan(0, OriginLength).CopyTo(larger);
                BatchMemory.Pool.Return(Origins);
                Origins = larger;
            }
            Span<byte> to = Origins.AsSpan(OriginLength);
            BinaryPrimitives.WriteInt64LittleEndian(to, row);
            BinaryPrimitives.WriteUInt16LittleEndian(to[8..], (ushort)segment);
            BinaryPrimitives.WriteUInt16LittleEndian(to[10..], (ushort)key.Length);
            BinaryPrimitives.WriteUInt128LittleEndian(to[12..], address);
            BinaryPrimitives.WriteUInt64LittleEndian(to[28..], content);
            key.CopyTo(to[OriginHead..]);
            OriginLength += OriginHead + key.Length;
            RowEnds[Rows] = Length;
            _originEnds[Rows++] = OriginLength;
        }

        /// <summary>Keeps the first <paramref name="keep"/> rows and appends the others to <paramref name="next"/>.</summary>
        public void MoveRows(int keep, Body next)
        {
            if (keep < Rows)
            {
                // Between two rows lies a comma.
                int from = RowEnds[keep - 1] + 1, originFrom = _originEnds[keep - 1], shift = next.Length - from;
                next.Append(Text.AsSpan(from, Length - from));
                if (next.Origins.Length < OriginLength - originFrom)
                {
                    BatchMemory.Pool.Return(next.Origins);
                    next.Origins = BatchMemory.Pool.Rent(OriginLength - originFrom);
                }
                Origins.AsSpan(originFrom, OriginLength - originFrom).CopyTo(next.Origins);
                next.OriginLength = OriginLength - originFrom;
                for (int row = keep; row < Rows; row++)
                {
                    next.RowEnds[next.Rows] = RowEnds[row] + shift;
                    next._originEnds[next.Rows++] = _originEnds[row] - originFrom;
                }
                OriginLength = originFrom;
            }
            Length = RowEnds[keep - 1];
            Rows = keep;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Advance(int count) => Length += count;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            if (Text.Length - Length < Math.Max(1, sizeHint))
            {
                byte[] larger = BatchMemory.Pool.Rent(Text.Length + Math.Max(sizeHint, Slack));
                Text.AsSpan(0, Length).CopyTo(larger);
                BatchMemory.Pool.Return(Text);
                Text = larger;
            }
            return Text.AsMemory(Length);
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public void Dispose()
        {
            if (Text.Length > 0) BatchMemory.Pool.Return(Text);
            if (Origins.Length > 0) BatchMemory.Pool.Return(Origins);
            (Text, Origins) = ([], []);
            RowEnds = _originEnds = [];
        }
    }
}
