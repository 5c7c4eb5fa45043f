using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using System.Threading.Channels;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Profiles that arrive one by one, as objects in a pipeline do. One thread fills rows (<see cref="BeginRow"/>, <c>Add</c>,
/// <see cref="EndRow"/>), hands a batch over whenever <see cref="EndRow"/> says so, and completes; the engine reads at the same
/// time on another. At most a few batches are on their way, and their memory is used again.
/// <code>
/// piped.BeginRow();
/// piped.Add(0, address);
/// if (piped.EndRow()) await piped.HandOverAsync(cancellation);
/// </code>
/// </summary>
public sealed class PipedProfiles : IProfileSource
{
    /// <summary>The name of the only segment.</summary>
    public const string SegmentName = "Pipeline";

    private const int BatchesUnderWay = 3;

    /// <summary>Long values must not make a batch as large as the memory: it is full at this many bytes, too.</summary>
    private const int FullBytes = 4 * 1024 * 1024;

    private readonly string[] _columns;
    private readonly Channel<Block> _channel = Channel.CreateBounded<Block>(
        new BoundedChannelOptions(BatchesUnderWay) { SingleReader = true, SingleWriter = true });
    private readonly ConcurrentQueue<Block> _free = new();

    private Block _block;
    private long _row;
    private bool _completed;
    private int _reading;
    private volatile bool _abandoned, _doubted;

    /// <summary>Profiles with these columns.</summary>
    /// <param name="columns">Names of the columns; <c>Add</c> means them by their position.</param>
    public PipedProfiles(IReadOnlyList<string> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        _columns = [.. columns];
        _block = new(_columns.Length);
    }

    /// <summary>The columns, in the order of their positions.</summary>
    public IReadOnlyList<string> ProfileColumns => _columns;

    /// <summary>Rows that were ended so far.</summary>
    public long Rows => _row;

    /// <summary>True when the engine reads no further, because the run ended or failed: producing more is useless.</summary>
    public bool Abandoned => _abandoned;

    /// <summary>Begins a row; all its values are missing until they are added.</summary>
    public void BeginRow()
    {
        if (_completed) throw new InvalidOperationException("A row cannot follow Complete.");
        _block.Begin();
    }

    /// <summary>Adds a value to the row; null is a value that is not there. A value that is added again replaces the first.</summary>
    public void Add(int column, string? value)
    {
        if (value is not null) _block.Set(column, value);
        else _block.SetMissing(column);
    }

    /// <summary>Adds a value to the row, from characters that need not outlive the call.</summary>
    public void Add(int column, ReadOnlySpan<char> value) => _block.Set(column, value);

    /// <summary>Adds a value to the row that is valid UTF-8 already.</summary>
    public void AddUtf8(int column, ReadOnlySpan<byte> value) => _block.SetUtf8(column, value);

    /// <summary>Ends the row; true when the batch is full and <see cref="HandOverAsync"/> has to follow.</summary>
    public bool EndRow()
    {
        _block.End();
        _row++;
        return _block.Rows == ProfileBatch.DefaultCapacity || _block.Used >= FullBytes;
    }

    /// <summary>Hands the rows over; waits while the engine is behind. Does nothing when there are none, or when nobody reads any more.</summary>
    public ValueTask HandOverAsync(CancellationToken cancellationToken)
    {
        if (_block.Rows == 0) return default;
        if (_abandoned)
        {
            _block.Clear();
            return default;
        }
        Block full = _block;
        _block = _free.TryDequeue(out Block? free) ? free : new(_columns.Length);
        return _channel.Writer.TryWrite(full) ? default : WriteAsync(full, cancellationToken);
    }

    private async ValueTask WriteAsync(Block full, CancellationToken ct)
    {
        try
        {
            await _channel.Writer.WriteAsync(full, ct).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            // The engine stopped reading while this waited; its own failure is the one to be told.
        }
    }

    /// <summary>
    /// Ends the profiles, once; later calls do nothing. Rows not yet handed over are read last. With an error they are dropped
    /// and the engine's reading fails with it.
    /// </summary>
    public void Complete(Exception? error = null)
    {
        if (_completed) return;
        _completed = true;
        _channel.Writer.TryComplete(error);
    }

    /// <summary>
    /// Says, before <see cref="Complete"/>, that people may be missing because where the profiles come from could not be read whole: a run in mode Mirror then takes nobody off the list.
    /// </summary>
    public void Doubt() => _doubted = true;

    internal bool IsDoubted => _doubted;

    Task<IReadOnlyList<Segment>> IProfileSource.GetSegmentsAsync(CancellationToken ct)
        => Task.FromResult<IReadOnlyList<Segment>>([new() { Name = SegmentName, DisplayName = SegmentName, Columns = _columns }]);

    Task<IReadOnlyList<string>> IProfileSource.GetColumnsAsync(string segment, CancellationToken ct)
    {
        RefuseOther(segment);
        return Task.FromResult<IReadOnlyList<string>>(_columns);
    }

    async IAsyncEnumerable<ProfileBatch> IProfileSource.ReadAsync(
        string segment, IReadOnlyList<string> columns, [EnumeratorCancellation] CancellationToken ct)
    {
        RefuseOther(segment);
        int[] positions = Columns.Find(columns, _columns, "pipeline");
        if (Interlocked.Exchange(ref _reading, 1) != 0) throw new InvalidOperationException("Piped profiles can be read once.");
        try
        {
            var batch = new ProfileBatch(columns.Count) { FirstRow = 1 };
            while (await _channel.Reader.WaitToReadAsync(ct).ConfigureAwait(false))
            {
                while (_channel.Reader.TryRead(out Block? block))
                {
                    block.CopyTo(batch, positions);
                    yield return batch;
                    batch.FirstRow += batch.Rows;
                    block.Clear();
                    _free.Enqueue(block);
                }
            }
            // The channel is complete, so the producer has stopped: what it has not handed over is ours.
            if (_block.Rows == 0) yield break;
            _block.CopyTo(batch, positions);
            yield return batch;
        }
        finally
        {
            _abandoned = true;
            _channel.Writer.TryComplete();
        }
    }

    private static void RefuseOther(string segment)
        => SegmentNames.Find(segment, [SegmentName], name => name, name => name, "pipeline");

    /// <summary>Rows under construction, values as UTF-8 one after the other.</summary>
    private sealed class Block(int columns)
    {
        private const int BytesOfRow = 128;

        private readonly ProfileBatch.Field[] _fields = new ProfileBatch.Field[Math.Max(1, columns) * ProfileBatch.DefaultCapacity];
        private readonly RowFault[] _faults = new RowFault[ProfileBatch.DefaultCapacity];
        private byte[] _text = new byte[ProfileBatch.DefaultCapacity * BytesOfRow];
        private int _first, _begin;
        private bool _open;

        public int Rows { get; private set; }

        public int Used { get; private set; }

        public void Begin()
        {
            if (_open) throw new InvalidOperationException("The row before has not been ended.");
            if (Rows == ProfileBatch.DefaultCapacity) throw new InvalidOperationException("The batch is full: hand it over first.");
            _open = true;
            (_first, _begin) = (Rows * columns, Used);
            _faults[Rows] = RowFault.None;
            _fields.AsSpan(_first, columns).Fill(new(0, -1));
        }

        public void SetMissing(int column) => Field(column) = new(0, -1);

        public void Set(int column, ReadOnlySpan<char> value)
        {
            ref ProfileBatch.Field field = ref Field(column);
            if (Used - _begin + (long)value.Length > Limits.RecordBytes) throw TooLong();
            int most = value.Length * 3;
            if (_text.Length - Used < most) Array.Resize(ref _text, Math.Max(_text.Length * 2, Used + most));
            if (Utf8.FromUtf16(value, _text.AsSpan(Used), out _, out int written, replaceInvalidSequences: false) != OperationStatus.Done)
            {
                // Half a surrogate pair is no text; what the row would mean without it nobody can say.
                _faults[Rows] = RowFault.Malformed;
                return;
            }
            field = new(Used, written);
            Used += written;
        }

        public void SetUtf8(int column, ReadOnlySpan<byte> value)
        {
            ref ProfileBatch.Field field = ref Field(column);
            if (Used - _begin + (long)value.Length > Limits.RecordBytes) throw TooLong();
            if (_text.Length - Used < value.Length) Array.Resize(ref _text, Math.Max(_text.Length * 2, Used + value.Length));
            value.CopyTo(_text.AsSpan(Used));
            field = new(Used, value.Length);
            Used += value.Length;
        }

        public void End()
        {
            if (!_open) throw new InvalidOperationException("No row has been begun.");
            _open = false;
            Rows++;
        }

        public void CopyTo(ProfileBatch batch, int[] positions)
        {
            batch.Clear();
            batch.Text = _text;
            for (int row = 0; row < Rows; row++)
            {
                ReadOnlySpan<ProfileBatch.Field> from = _fields.AsSpan(row * columns, columns);
                Span<ProfileBatch.Field> to = batch.AddRow(_faults[row]);
                if (_faults[row] != RowFault.None) to.Fill(new(0, -1));
                else for (int i = 0; i < positions.Length; i++) to[i] = from[positions[i]];
            }
        }

        public void Clear()
        {
            Rows = Used = 0;
            _open = false;
        }

        private static CcException TooLong() => new("InputRecordTooLong", CcErrorKind.InvalidData,
            $"A piped profile has over {Limits.RecordBytes / (1024 * 1024)} MB.", "Pipe in objects that have the mapped properties only.");

        private ref ProfileBatch.Field Field(int column)
        {
            if (!_open) throw new InvalidOperationException("No row has been begun.");
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)column, (uint)columns, nameof(column));
            return ref _fields[_first + column];
        }
    }
}
