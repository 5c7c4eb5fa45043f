using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace CcExport.Pipeline;

/// <summary>Reads on another thread while what was read is written: PowerShell's own part in an object is larger than the reading's.</summary>
internal static class ReadAhead
{
    /// <param name="source">Read to its end, or until the reader stops.</param>
    /// <param name="most">Items that may lie ready.</param>
    public static async IAsyncEnumerable<T> Of<T>(IAsyncEnumerable<T> source, int most, [EnumeratorCancellation] CancellationToken ct = default)
    {
        var ready = Channel.CreateBounded<T>(new BoundedChannelOptions(most) { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task reading = Task.Run(() => FillAsync(source, ready.Writer, stop.Token), CancellationToken.None);
        try
        {
            await foreach (T item in ready.Reader.ReadAllAsync(ct).ConfigureAwait(false)) yield return item;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(false);
        }
    }

    /// <summary>A failure goes to whoever takes the items.</summary>
    private static async Task FillAsync<T>(IAsyncEnumerable<T> source, ChannelWriter<T> ready, CancellationToken ct)
    {
        try
        {
            await foreach (T item in source.WithCancellation(ct).ConfigureAwait(false)) await ready.WriteAsync(item, ct).ConfigureAwait(false);
            ready.Complete();
        }
        catch (Exception e)
        {
            ready.Complete(e);
        }
    }
}
