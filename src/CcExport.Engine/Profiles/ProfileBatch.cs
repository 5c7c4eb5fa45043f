using System.Runtime.CompilerServices;

namespace CcExport.Engine.Profiles;

/// <summary>Why a row of a source cannot be a profile at all.</summary>
internal enum RowFault : byte
{
    None,
    /// <summary>It has fewer or more fields than its header.</summary>
    FieldCount,
    /// <summary>It is not what the format asks for (a JSON line that is no object).</summary>
    Malformed,
}

/// <summary>
/// Some rows of a source, the asked columns only, as UTF-8. Fields are slices of <see cref="Text"/>, which for a file is the
/// reader's own block: nothing is copied. A batch belongs to its reader and is valid until the next one is asked for.
/// </summary>
internal sealed class ProfileBatch
{
    /// <summary>Rows of one batch: large enough to make the step from batch to batch free, small enough to stay in the cache.</summary>
    public const int DefaultCapacity = 1024;

    private Field[] _fields;
    private RowFault[] _faults;

    public ProfileBatch(int columns, int capacity = DefaultCapacity)
    {
        Columns = columns;
        Capacity = capacity;
        _fields = new Field[Math.Max(1, columns) * capacity];
        _faults = new RowFault[capacity];
    }

    /// <summary>One field: where it lies in <see cref="Text"/>; a length of -1 is a value that is not there (null).</summary>
    public readonly record struct Field(int Start, int Length);

    /// <summary>What the fields point into.</summary>
    public byte[] Text { get; set; } = [];

    public int Columns { get; }
    public int Capacity { get; private set; }
    public int Rows { get; private set; }

    /// <summary>Number of the first row in its segment, from 1, counted over all its files, headers and blank lines left out.</summary>
    public long FirstRow { get; set; }

    public bool IsFull => Rows == Capacity;

    /// <summary>The value of a column in a row; empty when it is not there.</summary>
    public ReadOnlySpan<byte> this[int row, int column]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            Field field = _fields[(row * Columns) + column];
            return field.Length > 0 ? Text.AsSpan(field.Start, field.Length) : default;
        }
    }

    public bool IsNull(int row, int column) => _fields[(row * Columns) + column].Length < 0;

    public RowFault FaultOf(int row) => _faults[row];

    public void Clear() => Rows = 0;

    /// <summary>Adds a row and returns its fields to be filled, one for each asked column.</summary>
    public Span<Field> AddRow(RowFault fault = RowFault.None)
    {
        if (Rows == Capacity) Grow();
        _faults[Rows] = fault;
        return _fields.AsSpan(Rows++ * Columns, Columns);
    }

    /// <summary>Adds rows whose fields are set by <see cref="Set"/>, column by column; at most what is left of <see cref="Capacity"/>.</summary>
    public void AddRows(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Capacity - Rows);
        _faults.AsSpan(Rows, count).Clear();
        Rows += count;
    }

    public void Set(int row, int column, Field field) => _fields[(row * Columns) + column] = field;

    /// <summary>Gives a column the values of another: one column of a source that is asked for twice.</summary>
    public void CopyColumn(int from, int to)
    {
        for (int row = 0; row < Rows; row++) _fields[(row * Columns) + to] = _fields[(row * Columns) + from];
    }

    /// <summary>Takes the last row back.</summary>
    public void DropRow() => Rows--;

    public void SetFault(int row, RowFault fault) => _faults[row] = fault;

    private void Grow()
    {
        Capacity *= 2;
        Array.Resize(ref _fields, Math.Max(1, Columns) * Capacity);
        Array.Resize(ref _faults, Capacity);
    }
}
