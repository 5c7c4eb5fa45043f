using System.Collections;
using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.Announcements;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Creates an export or changes one; never runs it.</summary>
/// <remarks>
/// <para>
/// An export is a connection, a list, a source with its segments, and a map from profile columns to contact fields, under a name. A new one needs
/// -Connection, -ListId, a -Map with email, and -Source or -Path. Of one that exists only what is named here changes.
/// </para>
/// <para>
/// The keys of the map are the fields of Constant Contact's import (email, first_name, last_name, company_name and others) and cf: with the name of a custom
/// field. The values are columns of the profiles, without regard to case.
/// </para>
/// </remarks>
/// <example><code>Set-CcExport -Name Customers -Connection Newsletter -ListId $list.ListId -Path ./customers.csv -Map @{ email = 'EMail'; first_name = 'FirstName'; last_name = 'LastName' }</code><para>Creates an export of a file.</para></example>
/// <example><code>Set-CcExport Customers -Source Insights -Segment ActiveCustomers, Prospects</code><para>Lets an export read two segments of a named source instead.</para></example>
/// <example><code>Set-CcExport Customers -Schedule 'Daily 06:00,18:00' -TimeZone Europe/Berlin</code><para>Lets it be due twice a day.</para></example>
/// <example><code>Set-CcExport Customers -OnFailure (Get-Secret TeamsWebhook -AsPlainText)</code><para>Announces failures to a channel.</para></example>
/// <example><code>Set-CcExport Customers -PreferNewest ModifiedOn</code><para>Of several profiles with one address, the one that was changed last is sent.</para></example>
/// <example><code>Set-CcExport Customers -Map @{ email = 'EMail'; 'cf:loyalty_tier' = 'Tier' } -PassThru</code><para>Replaces the map and shows the export.</para></example>
[Cmdlet(VerbsCommon.Set, "CcExport", SupportsShouldProcess = true)]
[OutputType(typeof(Export))]
public sealed class SetCcExportCommand : CcCmdlet
{
    private int? _mode;
    private int? _shape;

    /// <summary>The name of the export to create or to change.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ExportCompleter))]
    public string Name { get; set; } = "";

    /// <summary>The connection to export over.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string? Connection { get; set; }

    /// <summary>The list to export to: its id, or the address of its page as pasted from the browser.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ListCompleter))]
    public string? ListId { get; set; }

    /// <summary>Contact field to profile column, as a hashtable. It replaces the whole map of an export that exists.</summary>
    [Parameter]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(MapCompleter))]
    public IDictionary? Map { get; set; }

    /// <summary>The named source to read; it replaces a path.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string? Source { get; set; }

    /// <summary>The segments to read, in this order; an address that several hold is sent once.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SegmentCompleter))]
    public string[]? Segment { get; set; }

    /// <summary>The file or folder to read; it replaces a named source. Kept as an absolute path.</summary>
    [Parameter]
    [SupportsWildcards]
    public string? Path { get; set; }

    /// <summary>The encoding of the path's files: utf8, utf-16, windows-1252 and the like. By default UTF-8, or what a byte order mark says.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(EncodingCompleter))]
    public string? Encoding { get; set; }

    /// <summary>The character between fields. By default the one that the first line uses.</summary>
    [Parameter]
    public char? Delimiter { get; set; }

    /// <summary>The names of the columns, for files without a heading line.</summary>
    [Parameter]
    public string[]? Header { get; set; }

    /// <summary>
    /// What a run does about contacts that the list has already. Upsert adds and updates all. Changed sends only those that are new or whose mapped values differ
    /// from what this export last had accepted. Mirror does the same and takes off the list whom this export put there and who is in the segments no more.
    /// </summary>
    [Parameter]
    public ExportMode Mode { get => (ExportMode)(_mode ?? 0); set => _mode = (int)value; }   // a field of an engine's type would stop the import

    /// <summary>The column that identifies a profile in its source, shown with each rejection. By default CustomerId and the like.</summary>
    [Parameter]
    public object? KeyProperty { get; set; }

    /// <summary>
    /// The column whose newest value wins: of several profiles with one address that one is sent, and of equals the earlier. By default, and again with an empty
    /// text, the first profile is. Values are dates (ISO 8601, or month before day; UTC without an offset) or plain numbers; a number and a date do not
    /// compare, and what is neither takes no other's place.
    /// </summary>
    [Parameter]
    public object? PreferNewest { get; set; }

    /// <summary>The most contacts in one import request, at most 39,999.</summary>
    [Parameter]
    [ValidateRange(1, 39_999)]
    public int? BatchSize { get; set; }

    /// <summary>The most profiles in one run; 1,000,000 by default. A run over it sends nothing.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long? MaxProfiles { get; set; }

    /// <summary>
    /// The days for which the export's runs and their rejections are kept, counted from a run's end; 90 by default. Older ones are removed after a run. The last
    /// run that had contacts accepted stays, and the record of any run for ten days: that long the service knows its jobs.
    /// </summary>
    [Parameter]
    [ValidateRange(1, 3_650)]
    public int? KeepDays { get; set; }

    /// <summary>Runs keep no former values of their contacts and cannot be undone; -NoUndo:$false keeps them again. They are kept for 30 days, encrypted.</summary>
    [Parameter]
    public SwitchParameter NoUndo { get; set; }

    /// <summary>
    /// Most of the list's members that a run may take off, as a share: 0.2 is a fifth. A run over it sends nothing (Invoke-CcExport -Force overrides that). Without
    /// it a tenth, or three times the most that the last runs have shown, at most half.
    /// </summary>
    [Parameter]
    [ValidateRange(0.0, 1.0)]
    public double? MaxShrink { get; set; }

    /// <summary>
    /// Most contacts that a run may add, as a share of the list's members: 0.5 is half as many again. A run over it sends nothing (Invoke-CcExport -Force overrides
    /// that). Without it three times the most that the last runs have shown, but at least as many as there are, from the fourth run on.
    /// </summary>
    [Parameter]
    [ValidateRange(0.0, double.MaxValue)]
    public double? MaxGrowth { get; set; }

    /// <summary>
    /// Files of addresses that this export never sends, beside the stored suppression list. Kept as absolute paths and read anew by each run: one address a line, or
    /// CSV or NDJSON with a column email, e-mail or email address. An empty array takes them away.
    /// </summary>
    [Parameter]
    [SupportsWildcards]
    [AllowEmptyCollection]
    public string[]? SuppressionPath { get; set; }

    /// <summary>
    /// When Invoke-CcExport -Due runs the export: a cron expression of five fields ('0 6 * * *'), 'Daily 06:00,18:00' with up to four times, 'Weekly Mon,Thu 06:00', or AfterRefresh,
    /// when the source's data is newer than what the last run has read. An empty text takes the schedule away. Register-CcSchedule has the machine look for what is due.
    /// </summary>
    [Parameter]
    [AllowEmptyString]
    [ArgumentCompleter(typeof(ScheduleCompleter))]
    public string? Schedule { get; set; }

    /// <summary>
    /// The time zone of the schedule, as an IANA name such as Europe/Berlin; by default the machine's. An hour that the clock skips is due when it has jumped, one that comes
    /// twice the first time.
    /// </summary>
    [Parameter]
    [ArgumentCompleter(typeof(TimeZoneCompleter))]
    public string? TimeZone { get; set; }

    /// <summary>
    /// The address of a webhook to which failures are announced: of Slack, of a workflow of Teams, or any that takes JSON by POST over https. It is kept encrypted, and shown with its host only.
    /// A failure is announced once until the export has gone well again; what is tried again by itself is not. An empty text takes it away.
    /// </summary>
    [Parameter]
    [AllowEmptyString]
    public string? OnFailure { get; set; }

    /// <summary>What the webhook is sent: Slack, Teams or Json. By default (Auto) its host says it.</summary>
    [Parameter]
    public NoticeShape OnFailureShape { get => (NoticeShape)(_shape ?? 0); set => _shape = (int)value; }   // as with the mode

    /// <summary>Returns the export.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        var change = new ExportChange
        {
            Name = Name,
            Connection = Given(Connection),
            ListId = Given(ListId),
            Map = Map is null ? null : Maps.From(Map),
            Source = Given(Source),
            Segment = Segment,
            Path = Given(Path) is { } path ? Paths.Resolve(SessionState, path) : null,
            Encoding = Given(Encoding),
            Delimiter = Delimiter,
            Header = Header,
            Mode = (ExportMode?)_mode,
            KeyProperty = Maps.Column(KeyProperty, nameof(KeyProperty)),
            PreferNewest = Maps.Column(PreferNewest, nameof(PreferNewest)) ?? (PreferNewest is null ? null : ""),
            BatchSize = BatchSize,
            MaxProfiles = MaxProfiles,
            KeepDays = KeepDays,
            NoUndo = MyInvocation.BoundParameters.ContainsKey(nameof(NoUndo)) ? NoUndo.ToBool() : null,
            MaxShrink = MaxShrink,
            MaxGrowth = MaxGrowth,
            Schedule = Schedule,
            TimeZone = Given(TimeZone),
            OnFailure = OnFailure,
            OnFailureShape = (NoticeShape?)_shape,
            SuppressionPath = SuppressionPath is { } paths ? Paths.ResolveAll(SessionState, paths) : null,
        };
        if (!ShouldProcess(Name, "Create or change the export")) return;
        Export export = Await((engine, ct) => engine.SetExportAsync(change, ct));
        if (PassThru) WriteObject(export);
    }

    /// <summary>A piped export without a connection binds an empty text: nothing was asked for then.</summary>
    private static string? Given(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
