using System.Reflection;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Exports;

/// <summary>
/// Stands before the journal of runs and lets a test act, or fail, before and after each of its steps, by the step's name. It is made at
/// run time, so that it fits the journal whatever steps that gets.
/// </summary>
internal sealed class JournalTap(IStore real) : IStore
{
    private IRunJournal? _runs;

    /// <summary>Called with the step and its arguments; what it throws is the step's failure, and then the step was not taken.</summary>
    public Func<string, object?[], Task>? Before { get; set; }

    /// <summary>Called when a step has been taken.</summary>
    public Func<string, object?[], Task>? After { get; set; }

    public StoreAccess Access => real.Access;
    public IConnectionStore Connections => real.Connections;
    public IExportUserStore ExportUsers => real.ExportUsers;
    public ISourceStore Sources => real.Sources;
    public IExportStore Exports => real.Exports;
    public IScheduleStore Schedules => real.Schedules;
    public IRunJournal Runs => _runs ??= Proxy.Of(this, real.Runs);
    public ICallLedger Calls => real.Calls;
    public ILeaseStore Leases => real.Leases;
    public IFingerprintStore Fingerprints => real.Fingerprints;
    public ISuppressionStore Suppressions => real.Suppressions;
    public IAnnouncementStore Announcements => real.Announcements;
    public IPreImageStore PreImages => real.PreImages;
    public IKeyRingStore Keys => real.Keys;

    public ValueTask DisposeAsync() => real.DisposeAsync();

    /// <summary>An engine whose journal is tapped.</summary>
    public static async Task<(TestEngine Test, JournalTap Tap)> StartAsync(string? root = null, Func<IStore, IStore>? below = null)
    {
        JournalTap? tap = null;
        TestEngine test = await TestEngine.StartAsync(root: root, change: parts => parts with { Store = tap = new JournalTap(below?.Invoke(parts.Store) ?? parts.Store) });
        return (test, tap!);
    }

    public class Proxy : DispatchProxy
    {
        private JournalTap _tap = null!;
        private IRunJournal _journal = null!;

        internal static IRunJournal Of(JournalTap tap, IRunJournal journal)
        {
            IRunJournal made = Create<IRunJournal, Proxy>();
            var proxy = (Proxy)(object)made;
            (proxy._tap, proxy._journal) = (tap, journal);
            return made;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Type answer = targetMethod!.ReturnType;
            if (answer == typeof(Task)) return TakeAsync<object?>(targetMethod, args!);
            MethodInfo take = typeof(Proxy).GetMethod(nameof(TakeAsync), BindingFlags.NonPublic | BindingFlags.Instance)!;
            return take.MakeGenericMethod(answer.GetGenericArguments()[0]).Invoke(this, [targetMethod, args]);
        }

        private async Task<T> TakeAsync<T>(MethodInfo step, object?[] args)
        {
            if (_tap.Before is { } before) await before(step.Name, args);
            var task = (Task)step.Invoke(_journal, args)!;
            await task;
            if (_tap.After is { } after) await after(step.Name, args);
            return task is Task<T> answered ? answered.Result : default!;
        }
    }
}
