using System.Security.Cryptography;
using System.Text;
using CcExport.Engine;

namespace CcExport.Scheduling;

/// <summary>What is called on time, and how often.</summary>
/// <param name="Shell">The program and what comes before its own arguments: pwsh, or dotnet and pwsh.dll.</param>
/// <param name="Module">What Import-Module is given: the name, or the manifest's path where the module lies outside of PSModulePath.</param>
/// <param name="Home">The folder of the store.</param>
/// <param name="Every">How often what is due is looked for; at least a minute.</param>
internal sealed record ScheduledCall(IReadOnlyList<string> Shell, string Module, string Home, TimeSpan Every)
{
    public const string Variable = "CCEXPORT_HOME";

    private static readonly string[] Switches = ["-NoProfile", "-NonInteractive", "-Command"];

    /// <summary>Tells the entries of several homes apart, and stays the same for one.</summary>
    public string Id { get; } = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Home)))[..8].ToLowerInvariant();

    public string Script => $"Import-Module {(Module == "CcExport" ? Module : Quoted(Module))}; Invoke-CcExport -Due";

    /// <summary>The program and its arguments, each by itself.</summary>
    public IReadOnlyList<string> Words(string? before = null) => [.. Shell, .. Switches, before + Script];

    /// <summary>As a literal of PowerShell.</summary>
    public static string Quoted(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";
}

/// <summary>An entry of one of the machine's schedulers: as text, and written there. Nobody else's entry is ever touched.</summary>
internal abstract class HostSchedule(ScheduledCall call)
{
    protected ScheduledCall Call { get; } = call;

    /// <summary>Where the entry is.</summary>
    public abstract string Location { get; }

    /// <summary>All of it.</summary>
    public abstract string Text { get; }

    /// <summary>Writes it, or over the one there was. False when it is there already, just so.</summary>
    public abstract Task<bool> RegisterAsync(CancellationToken ct);

    /// <summary>Takes it away. False when there is none.</summary>
    public abstract Task<bool> UnregisterAsync(CancellationToken ct);

    public static HostSchedule Of(ScheduleHost host, ScheduledCall call) => host switch
    {
        ScheduleHost.Systemd => new SystemdSchedule(call),
        ScheduleHost.TaskScheduler => new TaskSchedule(call),
        _ => new CronSchedule(call),
    };

    protected static CcException IntervalUnsupported(string which, string remedy)
        => new("IntervalUnsupported", CcErrorKind.InvalidArgument, which, remedy);
}
