using CcExport.Engine.Exports;
using CcExport.Engine.Telemetry;

namespace CcExport.Engine;

/// <content>Who is told of what runs come to: spans, instruments, the log, and a webhook.</content>
public sealed partial class CcEngine
{
    private const string Told = "CcExport.Told";

    /// <summary>Runs a command within a scope of its own.</summary>
    /// <param name="announces">Its failures go to the export's webhook: nobody may be there to see them.</param>
    private async Task<Run> WatchAsync(IRunObserver observer, string? export, string? connection, bool announces, Func<CancellationToken, Task<Run>> work, CancellationToken ct)
    {
        using RunScope scope = RunScope.Enter(observer.Event, export, connection);
        var announcer = new FailureAnnouncer(_parts, observer);
        try
        {
            Run run = await work(ct).ConfigureAwait(false);
            scope.Status(run.Status.ToString());
            if (announces) await announcer.AfterAsync(run, scope.Run == run.Id ? scope.Failure : null, ct).ConfigureAwait(false);
            return run;
        }
        catch (OperationCanceledException)
        {
            scope.Fault(RunEvents.Stopped);
            scope.Tell(new RunEvent(RunEvents.Stopped, RunEventLevel.Warning));
            throw;
        }
        catch (Exception e)
        {
            Tell(scope.Tell, e, scope.Export);
            scope.Fault((e as CcException)?.ErrorId ?? "Unexpected");
            if (announces) await announcer.AfterAsync(scope.Export, scope.Connection, e, ct).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>What fails before there is a run: a schedule that cannot be asked.</summary>
    private async Task<T> AnnounceAsync<T>(IRunObserver observer, string export, Func<Task<T>> work, CancellationToken ct)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Tell(observer.Event, e, export);
            await new FailureAnnouncer(_parts, observer).AfterAsync(export, null, e, ct).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Each failure is told once, by the innermost that it passes.</summary>
    private static void Tell(Action<RunEvent> tell, Exception failure, string? export)
    {
        if (failure.Data.Contains(Told)) return;
        failure.Data[Told] = true;
        tell(new RunEvent(RunEvents.Failed, RunEventLevel.Error)
        {
            Export = export,
            ErrorId = (failure as CcException)?.ErrorId ?? "Unexpected",
            // Another library's words may hold an address or a secret.
            Message = failure is CcException known ? RunCloser.Explain(known) : failure.GetType().Name,
        });
    }
}
