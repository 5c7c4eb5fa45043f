namespace CcExport.Engine.Upload;

/// <summary>
/// Which row counts the batches of a run may have. The count is how a lost job is known again, and the service reports either n
/// or n + 1 (it may count a heading): so counts are kept two apart, and no two batches can be mistaken for each other. With a small
/// batch size and many contacts the counts run out; then they begin anew, as far from their first use as can be.
/// </summary>
internal sealed class BatchCounts
{
    private readonly HashSet<int> _used;
    private readonly int _batchSize;

    /// <param name="taken">Counts of batches that there are already.</param>
    public BatchCounts(int batchSize, IEnumerable<int>? taken = null)
    {
        _batchSize = batchSize;
        _used = [.. taken ?? []];
        SetCap();
    }

    /// <summary>Rows at which the batch in hand is full.</summary>
    public int Cap { get; private set; }

    /// <summary>The largest usable count up to <paramref name="rows"/>, now taken; the rest belongs to the next batch.</summary>
    public int Take(int rows)
    {
        int count = Largest(rows);
        // Below half a batch, distinctness would cost more requests than it is worth.
        if (count < 1 || (count < _batchSize / 2 && rows >= _batchSize / 2))
        {
            _used.Clear();
            count = rows;
        }
        _used.Add(count);
        SetCap();
        return count;
    }

    private void SetCap()
    {
        Cap = Largest(_batchSize);
        if (Cap < Math.Max(1, _batchSize / 2))
        {
            _used.Clear();
            Cap = _batchSize;
        }
    }

    private int Largest(int from)
    {
        int count = from;
        while (count > 0 && (_used.Contains(count) || _used.Contains(count - 1) || _used.Contains(count + 1))) count--;
        return count;
    }
}
