using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;

namespace CcExport.Engine.Upload;

/// <summary>
/// Sends the sealed batches of a run: some at once, each written down before it leaves and after its answer. What leaves doubt is
/// looked for before it is sent again (<see cref="DoubtResolver"/>). Works on whatever states the journal holds, so it is the same
/// for a fresh run and for one that goes on.
/// </summary>
/// <param name="beforeSend">Called before each request; throws when this process must not send any more (a lost lease, a stop).</param>
/// <param name="beforeWrite">Called after a request before its failure is written down; throws when this process must not write any more (a lost
/// lease). Only that the service has a batch is written in any case.</param>
/// <param name="progress">Called after each batch that the service took.</param>
/// <param name="waiting">Told once a second why nothing is sent.</param>
internal sealed class Uploader(
    ConstantContactClient client, RunBatches batches, ISpool spool, TimeProvider time, UploadOptions options,
    Func<CancellationToken, Task> beforeSend, Func<CancellationToken, Task> beforeWrite, Action progress, Action<string> waiting, Action<string> verbose)
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly Dictionary<int, int> _missed = [];
    private CcException? _stop;

    /// <summary>Batches that stay InDoubt and whose contacts the list can tell apart.</summary>
    public HashSet<int> ByList { get; } = [];

    /// <summary>
    /// Sends all. Returns what stopped it (then some batches are still Sealed), or null when every batch was sent, refused, or stays
    /// in doubt. Cancelled, it leaves requests on their way as Sending, to be looked for later.
    /// </summary>
    public async Task<CcException?> SendAsync(CancellationToken ct)
    {
        _stop = null;
        await ResolveAsync(ct).ConfigureAwait(false);
        while (_stop is null && batches.In(BatchState.Sealed) is { Count: > 0 } waiting)
        {
            var queue = new Queue<BatchRecord>(waiting);
            await Task.WhenAll(Enumerable.Range(0, Math.Min(options.Concurrency, waiting.Count)).Select(_ => WorkAsync(queue, ct))).ConfigureAwait(false);
            // Also when something stopped it: a run that ends here must not count as unknown what one look would find. But not once another
            // process has the run: it decides then.
            if (_stop?.ErrorId is not ("LeaseLost" or "RunStopped")) await ResolveAsync(ct).ConfigureAwait(false);
        }
        return _stop;
    }

    private async Task ResolveAsync(CancellationToken ct)
    {
        try
        {
            var resolver = new DoubtResolver(client, batches, time, options, beforeSend, _missed);
            await resolver.ResolveAsync(verbose, ct).ConfigureAwait(false);
            ByList.UnionWith(resolver.ByList);
        }
        catch (CcException e)
        {
            _stop ??= e;
        }
    }

    private async Task WorkAsync(Queue<BatchRecord> queue, CancellationToken ct)
    {
        while (_stop is null)
        {
            BatchRecord? batch;
            lock (queue)
            {
                if (!queue.TryDequeue(out batch)) return;
            }
            try
            {
                await SendOneAsync(batch, ct).ConfigureAwait(false);
            }
            catch (CcException e)
            {
                // The other requests on their way are let go to their end: cutting them would leave each in doubt.
                _stop ??= e;
            }
        }
    }

    private async Task SendOneAsync(BatchRecord batch, CancellationToken ct)
    {
        (byte[] rented, int length) = await spool.ReadBodyAsync(batch.Number, ct).ConfigureAwait(false);
        long began = time.GetTimestamp();
        try
        {
            while (true)
            {
                await beforeSend(ct).ConfigureAwait(false);
                await batches.SendingAsync(batch.Number, client.ServerNow, ct).ConfigureAwait(false);
                Activity job;
                try
                {
                    job = await client.ImportAsync(rented.AsMemory(0, length), ct, beforeSend).ConfigureAwait(false);
                }
                catch (InDoubtException e)
                {
                    await beforeWrite(CancellationToken.None).ConfigureAwait(false);
                    await batches.InDoubtAsync(batch.Number, client.ServerNow, CancellationToken.None).ConfigureAwait(false);
                    verbose($"Batch {batch.Number} is in doubt: {e.Message}");
                    return;
                }
                catch (CcException e) when (e.ErrorId is "ActivityQueueFull" or "Throttled" && time.GetElapsedTime(began) < options.JobDeadline)
                {
                    await beforeWrite(CancellationToken.None).ConfigureAwait(false);
                    await batches.NotSentAsync(batch.Number, CancellationToken.None).ConfigureAwait(false);
                    await WaitForRoomAsync(e.ErrorId == "Throttled"
                        ? "Other programs use the API key's calls of each second"
                        : "The account's queue of jobs is full", ct).ConfigureAwait(false);
                    continue;
                }
                catch (CcException e) when (e.Kind == CcErrorKind.Service)
                {
                    // The service read this batch and wants none of it; others may still do.
                    await beforeWrite(CancellationToken.None).ConfigureAwait(false);
                    var outcome = new BatchOutcome("BatchRefused", 0, 0, batch.Rows, 0, e.Message, time.GetUtcNow());
                    await batches.FinishedAsync(batch.Number, outcome, CancellationToken.None).ConfigureAwait(false);
                    return;
                }
                catch (CcException e)
                {
                    // What another process has taken over is not ours to write; it finds the batch in Sending and looks for it.
                    if (e.ErrorId == "LeaseLost") throw;
                    await beforeWrite(CancellationToken.None).ConfigureAwait(false);
                    await batches.NotSentAsync(batch.Number, CancellationToken.None).ConfigureAwait(false);
                    throw;
                }
                // From here the service has it: this must be written even when the person just pressed Ctrl+C. If it cannot be written, the
                // batch stays in Sending, to be looked for: it is never taken for one that did not arrive.
                await batches.SentAsync(batch.Number, job.ActivityId, client.ServerNow, CancellationToken.None).ConfigureAwait(false);
                progress();
                return;
            }
        }
        finally
        {
            BatchMemory.Pool.Return(rented);
        }
    }

    /// <summary>In seconds, so that whoever watches sees that it waits and why, and a stop is heard.</summary>
    private async Task WaitForRoomAsync(string why, CancellationToken ct)
    {
        for (TimeSpan left = options.QueueFullWait; left > TimeSpan.Zero; left -= Second)
        {
            waiting(FormattableString.Invariant($"{why}: tried again in {left.TotalSeconds:N0} s."));
            await Task.Delay(left < Second ? left : Second, time, ct).ConfigureAwait(false);
            await beforeSend(ct).ConfigureAwait(false);
        }
    }
}
