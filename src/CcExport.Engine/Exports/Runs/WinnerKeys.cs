using System.Text;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>The source keys of profiles that others lost to, as the sealed batches and the rejections know them; at most <see cref="Most"/> at a time.</summary>
internal sealed class WinnerKeys
{
    /// <summary>A key is some 90 bytes here: what is held at a time stays below 25 MB, however many duplicates there are.</summary>
    public const int Most = 256 * 1024;

    private readonly uint[] _winners;
    private readonly string?[] _keys;

    private WinnerKeys(uint[] winners) => (_winners, _keys) = (winners, new string?[winners.Length]);

    /// <summary>The key; null when this profile has none, is not known, or is none of these.</summary>
    public string? Of(uint winner) => Array.BinarySearch(_winners, winner) is var at && at >= 0 ? _keys[at] : null;

    /// <param name="winners">In the order of their numbers, each once.</param>
    public static async Task<WinnerKeys> ReadAsync(ISpool spool, IEnumerable<int> batches, Duplicates duplicates, uint[] winners, CancellationToken ct)
    {
        var keys = new WinnerKeys(winners);
        foreach (int batch in batches)
        {
            (byte[] rented, int length) = await spool.ReadOriginBytesAsync(batch, ct).ConfigureAwait(false);
            try
            {
                keys.Take(rented.AsSpan(0, length), duplicates);
            }
            finally
            {
                BatchMemory.Pool.Return(rented);
            }
        }
        return keys;
    }

    /// <summary>Takes the key of a profile that is in no batch.</summary>
    public void Take(uint number, string? key)
    {
        if (key is not null && Array.BinarySearch(_winners, number) is var at && at >= 0) _keys[at] = key;
    }

    /// <summary>Rows of a batch and winners have the same order: one walk beside the other.</summary>
    private void Take(ReadOnlySpan<byte> batch, Duplicates duplicates)
    {
        var origins = new OriginReader(batch);
        int next = -1;
        while (origins.Next() && next < _winners.Length)
        {
            uint number = duplicates.NumberOf(new ProfilePlace(origins.Segment, origins.Row));
            if (next < 0)
            {
                next = Array.BinarySearch(_winners, number);
                if (next < 0) next = ~next;
            }
            while (next < _winners.Length && _winners[next] < number) next++;
            if (next < _winners.Length && _winners[next] == number && !origins.Key.IsEmpty) _keys[next] = Encoding.UTF8.GetString(origins.Key);
        }
    }
}
