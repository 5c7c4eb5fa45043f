using System.Management.Automation;
using System.Management.Automation.Host;
using CcExport.Engine;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>
/// The base of every cmdlet. The pipeline thread asks the engine and waits for it, and writes meanwhile what the engine's
/// threads report; Ctrl+C cancels the engine's token and the wait ends with it. Engine failures become terminating errors.
/// </summary>
public abstract class CcCmdlet : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly WriteQueue _writes = new();
    private CcEngine? _engine;

    /// <summary>Before the first object.</summary>
    protected virtual void OnBegin() { }

    /// <summary>For each object of the pipeline, or once.</summary>
    protected virtual void OnRecord() { }

    /// <summary>After the last object.</summary>
    protected virtual void OnEnd() { }

    /// <summary>When the cmdlet is over, however it ended; background work must have been waited for when it returns.</summary>
    protected virtual void OnDispose() { }

    /// <inheritdoc/>
    protected sealed override void BeginProcessing()
    {
        try { OnBegin(); }
        catch (Exception e) when (Errors.IsOurs(e)) { ThrowTerminatingError(Errors.From(e)); }
    }

    /// <inheritdoc/>
    protected sealed override void ProcessRecord()
    {
        try { OnRecord(); }
        catch (Exception e) when (Errors.IsOurs(e)) { ThrowTerminatingError(Errors.From(e)); }
    }

    /// <inheritdoc/>
    protected sealed override void EndProcessing()
    {
        try { OnEnd(); }
        catch (Exception e) when (Errors.IsOurs(e)) { ThrowTerminatingError(Errors.From(e)); }
    }

    /// <summary>Called on another thread: only cancels.</summary>
    protected sealed override void StopProcessing() => Cancel();

    /// <summary>Ends background work and closes the engine.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        OnDispose();
        if (_engine is { } engine)
        {
            _engine = null;
            Task.Run(async () => await engine.DisposeAsync().ConfigureAwait(false)).GetAwaiter().GetResult();
        }
        _stop.Dispose();
        _writes.Dispose();
    }

    /// <summary>Cancelled by Ctrl+C and when the pipeline wants no more.</summary>
    private protected CancellationToken Stop => _stop.Token;

    /// <summary>Has something written by the pipeline thread, from any thread.</summary>
    private protected void Post(Action write) => _writes.Post(write);

    /// <summary>Writes what waits, without waiting for more.</summary>
    private protected void WritePending() => _writes.Drain();

    /// <summary>Passes warnings and what is being done on to the streams of this cmdlet.</summary>
    private protected RunWatcher Watcher() => new(Post, this, MyInvocation.MyCommand?.Name ?? "CcExport");

    /// <summary>Starts engine work on a thread of the pool. The engine is opened before, here: two threads must not wait on one queue.</summary>
    private protected Task<T> Start<T>(Func<CcEngine, CancellationToken, Task<T>> ask)
    {
        CcEngine engine = Open();
        return Start(ct => ask(engine, ct));
    }

    /// <summary>Waits for engine work and returns its result; writes what comes meanwhile.</summary>
    private protected T Await<T>(Func<CcEngine, CancellationToken, Task<T>> ask) => Await(Start(ask));

    /// <summary>Waits for engine work; writes what comes meanwhile.</summary>
    private protected void Await(Func<CcEngine, CancellationToken, Task> ask) => Await(async (engine, ct) =>
    {
        await ask(engine, ct).ConfigureAwait(false);
        return true;
    });

    /// <summary>The same for work that needs no engine.</summary>
    private protected Task<T> Start<T>(Func<CancellationToken, Task<T>> ask)
    {
        CancellationToken stop = _stop.Token;
        return Task.Run(() => ask(stop), stop);
    }

    /// <inheritdoc cref="Await{T}(Func{CcEngine, CancellationToken, Task{T}})"/>
    private protected T Await<T>(Task<T> work)
    {
        WriteUntil(work);
        try { return work.GetAwaiter().GetResult(); }
        catch (Exception e) { throw Translate(e); }
    }

    /// <summary>Waits for work without a result; writes what comes meanwhile.</summary>
    private protected void Await(Task work)
    {
        WriteUntil(work);
        try { work.GetAwaiter().GetResult(); }
        catch (Exception e) { throw Translate(e); }
    }

    /// <summary>Writes what comes until the work has ended, well or badly. When writing fails, the work is ended first.</summary>
    private protected void WriteUntil(Task work)
    {
        try { _writes.DrainUntil(work); }
        catch
        {
            Abandon(work);
            throw;
        }
    }

    /// <summary>Cancels engine work and waits for its end, whatever it is.</summary>
    private protected void Abandon(Task work)
    {
        Cancel();
        try { work.Wait(); }
        catch (AggregateException) { /* the reason for abandoning it is reported, not this */ }
    }

    /// <summary>A stream of the engine as a plain sequence; its steps that end at once cost no switch of threads.</summary>
    private protected IEnumerable<T> Each<T>(Func<CcEngine, CancellationToken, IAsyncEnumerable<T>> ask)
    {
        IAsyncEnumerator<T> steps = ask(Open(), _stop.Token).GetAsyncEnumerator(_stop.Token);
        try
        {
            while (Step(steps)) yield return steps.Current;
        }
        finally
        {
            Task.Run(async () => await steps.DisposeAsync().ConfigureAwait(false)).Wait();
        }
    }

    /// <summary>Asks a person, whatever -Confirm says. Where there is nobody to ask, <paramref name="nobody"/> is thrown.</summary>
    private protected bool AskPerson(string query, string caption, Func<Exception?, CcException> nobody)
    {
        // At the end of redirected input the console answers with the default, which is Yes: nobody has agreed then.
        if (Host.Name == "ConsoleHost" && Console.IsInputRedirected) throw nobody(null);
        try { return ShouldContinue(query, caption); }
        catch (Exception e) when (e is HostException or InvalidOperationException or NotImplementedException && e is not PipelineStoppedException)
        {
            throw nobody(e);
        }
    }

    /// <summary>One engine for each invocation, opened at first use.</summary>
    private CcEngine Open() => _engine ??= Await(Start(CcEngine.OpenAsync));

    private bool Step<T>(IAsyncEnumerator<T> steps)
    {
        bool more = false, ended;
        ValueTask<bool> step;
        try
        {
            step = steps.MoveNextAsync();
            ended = step.IsCompleted;
            if (ended) more = step.GetAwaiter().GetResult();
        }
        catch (Exception e) { throw Translate(e); }
        if (!ended) return Await(step.AsTask());
        _writes.Drain();
        return more;
    }

    private Exception Translate(Exception e)
        => _stop.IsCancellationRequested ? new PipelineStoppedException() : e is CcException ? e : new UnexpectedException(e);

    private void Cancel()
    {
        try { _stop.Cancel(); }
        catch (ObjectDisposedException) { /* over already */ }
    }
}
