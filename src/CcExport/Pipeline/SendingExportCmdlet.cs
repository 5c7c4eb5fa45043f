using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Telemetry;

namespace CcExport.Pipeline;

/// <summary>What cmdlets that send, or plan to, have in common: the mode, and whom the rules hold out.</summary>
public abstract class SendingExportCmdlet : ExportCmdlet
{
    private int? _mode;
    private RunLog? _log;

    /// <summary>
    /// What a run does about contacts that the list has already. Upsert adds and updates all. Changed sends only those that are new or whose mapped values differ
    /// from what was last accepted. Mirror does the same and takes off the list whom earlier runs put there and who is among the profiles no more. A stored
    /// export has its own mode.
    /// </summary>
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    public ExportMode Mode { get => (ExportMode)(_mode ?? 0); set => _mode = (int)value; }   // a field of an engine's type would stop the import

    /// <summary>Forgets what was sent before, so that all is sent. People who left the list are held out all the same.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    public SwitchParameter Full { get; set; }

    /// <summary>
    /// Sends people who left the list as well: the import puts them back. It asks first, unless -Confirm:$false is given, and the run's record says it. People who
    /// have unsubscribed from the account are never put back.
    /// </summary>
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    public SwitchParameter IncludeLeavers { get; set; }

    /// <summary>In mode Mirror, also takes off the list whom somebody else put there. Without it only contacts that this export added are removed.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    public SwitchParameter TakeOwnership { get; set; }

    /// <summary>Most of the list's members that the run may take off (mode Mirror), as a share: 0.2 is a fifth. By default as the export says, or as the last runs have shown.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    [ValidateRange(0.0, 1.0)]
    public double? MaxShrink { get; set; }

    /// <summary>Most contacts that the run may add, as a share of the list's members: 0.5 is half as many again. By default as the export says, or as the last runs have shown.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    [ValidateRange(0.0, double.MaxValue)]
    public double? MaxGrowth { get; set; }

    /// <summary>
    /// A file to which is written what happens, an object of JSON a line; what is there already stays, and several processes may write to one. Without it the file that the
    /// environment variable CCEXPORT_LOG names. It holds no address. One that cannot be written is an error before anything is run.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? LogPath { get; set; }

    private protected override RunLog? Log => _log;

    /// <inheritdoc/>
    protected override void OnBegin()
    {
        base.OnBegin();
        _log = Pipeline.Log.Open(this, LogPath, Post);
    }

    /// <inheritdoc/>
    protected override void OnDispose()
    {
        base.OnDispose();
        _log?.Dispose();
    }

    /// <summary>The request with what was given here.</summary>
    private protected RunRequest With(RunRequest request) => request with
    {
        Mode = (ExportMode?)_mode,
        Full = Full,
        IncludeLeavers = IncludeLeavers,
        TakeOwnership = TakeOwnership,
        MaxShrink = MaxShrink,
        MaxGrowth = MaxGrowth,
    };

    /// <summary>Putting people back who left is asked about: it is what they did not want.</summary>
    private protected bool ApproveLeavers(RunRequest request, bool leavers)
    {
        if (!leavers || (MyInvocation.BoundParameters.TryGetValue("Confirm", out object? confirm) && !LanguagePrimitives.IsTrue(confirm))) return true;
        return AskPerson("People who left the list after an earlier export are put back on it. Go on?", $"Export with -IncludeLeavers: {Describe(request)}", NobodyToAsk);
    }

    private static CcException NobodyToAsk(Exception? cause) => new("ConfirmationRequired", CcErrorKind.InvalidArgument, "-IncludeLeavers puts people back who left the list, and there is nobody to ask.",
        "Add -Confirm:$false if that is what you want.", cause);
}
