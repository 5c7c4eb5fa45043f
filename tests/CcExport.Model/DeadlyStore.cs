using System.Reflection;
using CcExport.Engine.Store;

namespace CcExport.Model;

/// <summary>The process is dead: nothing it does from here on is written.</summary>
internal sealed class DeathException() : Exception("The process died here.");

/// <summary>
/// The real store, whose steps are counted: at one of them the process dies, or Ctrl+C is pressed. Dead is dead: every later step fails as well. The leases are
/// given back all the same, as those of a dead process are known to be free.
/// </summary>
internal sealed class DeadlyStore : IStore
{
    private readonly IStore _real;
    private int _steps;

    public DeadlyStore(IStore real)
    {
        _real = real;
        Runs = Proxy<IRunJournal>.Of(this, real.Runs);
        Fingerprints = Proxy<IFingerprintStore>.Of(this, real.Fingerprints);
    }

    public int DieAt { get; set; }
    public int CancelAt { get; set; }
    public Action? Cancel { get; set; }
    public bool Dead { get; private set; }

    /// <summary>From the next step on they are counted anew.</summary>
    public void Arm(int dieAt, int cancelAt, Action cancel)
    {
        _steps = 0;
        (DieAt, CancelAt, Cancel) = (dieAt, cancelAt, cancel);
    }

    public StoreAccess Access => _real.Access;
    public IConnectionStore Connections => _real.Connections;
    public IExportUserStore ExportUsers => _real.ExportUsers;
    public ISourceStore Sources => _real.Sources;
    public IExportStore Exports => _real.Exports;
    public IScheduleStore Schedules => _real.Schedules;
    public IRunJournal Runs { get; }
    public ICallLedger Calls => _real.Calls;
    public ILeaseStore Leases => _real.Leases;
    public IFingerprintStore Fingerprints { get; }
    public ISuppressionStore Suppressions => _real.Suppressions;
    public IAnnouncementStore Announcements => _real.Announcements;
    public IPreImageStore PreImages => _real.PreImages;
    public IKeyRingStore Keys => _real.Keys;

    public ValueTask DisposeAsync() => _real.DisposeAsync();

    private void Step(string name)
    {
        if (Dead) throw new DeathException();
        // Only what writes: looks are so many that hardly any death would be a late one.
        if (name.StartsWith("Get", StringComparison.Ordinal) || name.StartsWith("Find", StringComparison.Ordinal) || name.StartsWith("List", StringComparison.Ordinal)
            || name.StartsWith("Is", StringComparison.Ordinal) || name.StartsWith("Has", StringComparison.Ordinal)) return;
        int step = Interlocked.Increment(ref _steps);
        if (step == CancelAt) Cancel?.Invoke();
        if (step != DieAt) return;
        Dead = true;
        throw new DeathException();
    }

    /// <summary>Made at run time, so that it fits the roles whatever steps they get.</summary>
    public class Proxy<TRole> : DispatchProxy where TRole : class
    {
        private DeadlyStore _store = null!;
        private TRole _role = null!;

        internal static TRole Of(DeadlyStore store, TRole role)
        {
            TRole made = Create<TRole, Proxy<TRole>>();
            var proxy = (Proxy<TRole>)(object)made;
            (proxy._store, proxy._role) = (store, role);
            return made;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            try
            {
                _store.Step(targetMethod!.Name);
            }
            catch (DeathException e)
            {
                Type answer = targetMethod!.ReturnType;
                if (answer == typeof(Task)) return Task.FromException(e);
                return typeof(Task).GetMethods().Single(m => m is { Name: nameof(Task.FromException), IsGenericMethod: true })
                    .MakeGenericMethod(answer.GetGenericArguments()[0]).Invoke(null, [e]);
            }
            return targetMethod.Invoke(_role, args);
        }
    }
}
