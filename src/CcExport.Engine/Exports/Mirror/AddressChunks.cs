using CcExport.Engine.Mapping;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Writes addresses, and the contacts' ids where they are known, into a spool in pieces of about a megabyte: encrypted, flushed, and none in memory but the piece in
/// the making. <see cref="CompleteAsync"/> writes the last.
/// </summary>
/// <param name="first">The number of the first piece, beyond those of batches.</param>
internal sealed class AddressWriter(ISpool spool, int first)
{
    private const int Full = 1 << 20;

    private byte[] _piece = new byte[64 * 1024];
    private int _length;

    /// <summary>Addresses it has.</summary>
    public long Count { get; private set; }

    /// <summary>Pieces that are written.</summary>
    public int Pieces { get; private set; }

    /// <summary>All come anew.</summary>
    public void Restart() => (_length, Count, Pieces) = (0, 0, 0);

    /// <summary>Takes one. What is longer than any address is none, and left out.</summary>
    public void Add(ReadOnlySpan<byte> address, string? id)
    {
        address = Utf8Text.Trim(address);
        Guid known = Guid.TryParseExact(id, "D", out Guid parsed) ? parsed : default;
        if (address.IsEmpty || address.Length > byte.MaxValue) return;
        int length = 1 + AddressReader.IdLength + address.Length;
        if (_length + length > _piece.Length) Array.Resize(ref _piece, Math.Max(_piece.Length * 2, _length + length));
        _piece[_length] = (byte)address.Length;
        known.TryWriteBytes(_piece.AsSpan(_length + 1));
        address.CopyTo(_piece.AsSpan(_length + 1 + AddressReader.IdLength));
        _length += length;
        Count++;
    }

    /// <summary>Writes the piece in the making if it is full.</summary>
    public ValueTask WriteFullAsync(CancellationToken ct) => _length < Full ? default : new ValueTask(WriteAsync(ct));

    public Task CompleteAsync(CancellationToken ct) => _length == 0 ? Task.CompletedTask : WriteAsync(ct);

    private async Task WriteAsync(CancellationToken ct)
    {
        await spool.WriteAsync(first + Pieces, _piece.AsMemory(0, _length), Memory<byte>.Empty, ct).ConfigureAwait(false);
        Pieces++;
        _length = 0;
    }
}

/// <summary>Goes through a piece one by one, without an object for any.</summary>
internal ref struct AddressReader(ReadOnlySpan<byte> piece)
{
    public const int IdLength = 16;

    private ReadOnlySpan<byte> _rest = piece;

    public ReadOnlySpan<byte> Address { get; private set; }

    /// <summary>The contact's id; empty where it is not known.</summary>
    public Guid Id { get; private set; }

    /// <summary>Bytes of the piece that are not read yet.</summary>
    public readonly int Left => _rest.Length;

    public readonly UInt128 Hash => SentContact.HashOf(Address, default, default, NameFields.None);

    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        int length = _rest[0];
        Id = new Guid(_rest.Slice(1, IdLength));
        Address = _rest.Slice(1 + IdLength, length);
        _rest = _rest[(1 + IdLength + length)..];
        return true;
    }
}

/// <summary>Addresses that lie in a spool.</summary>
internal static class AddressPieces
{
    /// <summary>Hands over one piece after the other.</summary>
    public static async Task ReadAsync(ISpool spool, int first, int pieces, Action<ReadOnlyMemory<byte>> take, CancellationToken ct)
    {
        for (int piece = first; piece < first + pieces; piece++)
        {
            (byte[] rented, int length) = await spool.ReadBodyAsync(piece, ct).ConfigureAwait(false);
            try
            {
                take(rented.AsMemory(0, length));
            }
            finally
            {
                BatchMemory.Pool.Return(rented, clearArray: true);
            }
        }
    }

    /// <summary>Copies those that <paramref name="which"/> wants; returns how many there are and in how many pieces.</summary>
    public static async Task<AddressWriter> CopyAsync(ISpool from, int first, int pieces, ISpool to, int start, Func<UInt128, bool> which, CancellationToken ct)
    {
        var copy = new AddressWriter(to, start);
        for (int piece = first; piece < first + pieces; piece++)
        {
            await ReadAsync(from, piece, 1, some =>
            {
                var row = new AddressReader(some.Span);
                while (row.Next())
                {
                    if (which(row.Hash)) copy.Add(row.Address, row.Id == default ? null : row.Id.ToString("D"));
                }
            }, ct).ConfigureAwait(false);
            await copy.WriteFullAsync(ct).ConfigureAwait(false);
        }
        await copy.CompleteAsync(ct).ConfigureAwait(false);
        return copy;
    }
}

/// <summary>
/// The members of a list as the look before a run found them, until it is known who of them leaves. They lie in a spool under a key that is never written down: a
/// process that dies leaves noise, which <see cref="SpoolLeftovers"/> clears away.
/// </summary>
internal sealed class MemberKeep : IDisposable
{
    public const int FirstPiece = 1_000_001;
    private const string Prefix = "look-";

    private readonly string _folder;

    public MemberKeep(EngineParts parts)
    {
        _folder = NewFolder(parts);
        Spool = new Spool(_folder, 0, Upload.Spool.NewKey());
        Addresses = new AddressWriter(Spool, FirstPiece);
    }

    public ISpool Spool { get; }

    public AddressWriter Addresses { get; }

    /// <summary>Where what a look keeps lies.</summary>
    public static string NewFolder(EngineParts parts) => Path.Combine(parts.Home.SpoolFolder, Prefix + Guid.NewGuid().ToString("N"));

    /// <summary>A look takes minutes; after a day nobody is at it any more.</summary>
    public static bool IsLeftOver(string folder, DateTimeOffset now)
        => Path.GetFileName(folder).StartsWith(Prefix, StringComparison.Ordinal) && now - Directory.GetLastWriteTimeUtc(folder) > TimeSpan.FromDays(1);

    public void Dispose()
    {
        Spool.Dispose();
        Upload.Spool.Remove(_folder);
    }
}
