using System.Buffers.Binary;
using CcExport.Engine.Profiles;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// The rows that the look before a run read of its list, with the values of the mapped fields: what its members were is then known without asking the service again.
/// They lie in a spool under a key that is never written down, and are gone with the look.
/// </summary>
internal sealed class ListCopy : IDisposable
{
    private const int Full = 1 << 20, FirstPiece = 1_000_001;

    private readonly string _folder;
    private readonly Spool _spool;
    private byte[] _piece = new byte[64 * 1024];
    private int _length, _rows, _pieces;
    private bool _disposed;

    public ListCopy(EngineParts parts, ContactFields fields)
    {
        Fields = fields;
        _folder = MemberKeep.NewFolder(parts);
        _spool = new Spool(_folder, 0, Spool.NewKey());
    }

    /// <summary>What the contact export is asked for.</summary>
    public ContactFields Fields { get; }

    /// <summary>The whole list is here, with every field of the map.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>All rows come anew. A file that lacks a field is no use.</summary>
    public void Begin(bool[] has)
    {
        (_length, _rows, _pieces, IsWhole) = (0, 0, 0, false);
        _lacks = Array.IndexOf(has, false) >= 0;
    }

    private bool _lacks;

    /// <summary>Takes some rows as <see cref="ListReader.ReadRowsAsync"/> hands them over.</summary>
    public async ValueTask TakeAsync(ProfileBatch batch, CancellationToken ct)
    {
        if (_lacks) return;
        for (int row = 0; row < batch.Rows; row++)
        {
            Add(batch, row);
            if (_length >= Full || _rows == ProfileBatch.DefaultCapacity) await WriteAsync(ct).ConfigureAwait(false);
        }
    }

    public async Task CompleteAsync(CancellationToken ct)
    {
        if (_lacks) return;
        if (_rows > 0) await WriteAsync(ct).ConfigureAwait(false);
        IsWhole = true;
    }

    /// <summary>Hands the rows over once more: the address is column 0, the fields of the map follow.</summary>
    public async Task ReadAsync(Action<ProfileBatch> take, CancellationToken ct)
    {
        var batch = new ProfileBatch(Fields.Headings.Length + 1);
        for (int piece = FirstPiece; piece < FirstPiece + _pieces; piece++)
        {
            (byte[] rented, int length) = await _spool.ReadBodyAsync(piece, ct).ConfigureAwait(false);
            try
            {
                batch.Clear();
                batch.Text = rented;
                for (int at = 0; at < length;)
                {
                    Span<ProfileBatch.Field> fields = batch.AddRow();
                    for (int i = 0; i < fields.Length; i++)
                    {
                        int size = BinaryPrimitives.ReadInt32LittleEndian(rented.AsSpan(at));
                        fields[i] = new(at + sizeof(int), size);
                        at += sizeof(int) + size;
                    }
                }
                take(batch);
            }
            finally
            {
                BatchMemory.Pool.Return(rented, clearArray: true);
            }
        }
    }

    private void Add(ProfileBatch batch, int row)
    {
        for (int i = 0; i < batch.Columns; i++)
        {
            ReadOnlySpan<byte> value = batch[row, i];
            if (_length + sizeof(int) + value.Length > _piece.Length) Array.Resize(ref _piece, Math.Max(_piece.Length * 2, _length + sizeof(int) + value.Length));
            BinaryPrimitives.WriteInt32LittleEndian(_piece.AsSpan(_length), value.Length);
            value.CopyTo(_piece.AsSpan(_length + sizeof(int)));
            _length += sizeof(int) + value.Length;
        }
        _rows++;
    }

    private async Task WriteAsync(CancellationToken ct)
    {
        await _spool.WriteAsync(FirstPiece + _pieces, _piece.AsMemory(0, _length), Memory<byte>.Empty, ct).ConfigureAwait(false);
        _pieces++;
        (_length, _rows) = (0, 0);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _spool.Dispose();
        Spool.Remove(_folder);
    }
}
