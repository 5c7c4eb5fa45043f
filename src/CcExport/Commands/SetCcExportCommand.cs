using System.Collections;
using System.Management.Automation;
using CcExport.Completion;
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
/// <example><code>Set-CcExport Customers -Map @{ email = 'EMail'; 'cf:loyalty_tier' = 'Tier' } -PassThru</code><para>Replaces the map and shows the export.</para></example>
[Cmdlet(VerbsCommon.Set, "CcExport", SupportsShouldProcess = true)]
[OutputType(typeof(Export))]
public sealed class SetCcExportCommand : CcCmdlet
{
    private int? _mode;

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

    /// <summary>What a run does about contacts that the list has already. Upsert adds and updates all.</summary>
    [Parameter]
    public ExportMode Mode { get => (ExportMode)(_mode ?? 0); set => _mode = (int)value; }   // a field of an engine's type would stop the import

    /// <summary>The column that identifies a profile in its source, shown with each rejection. By default CustomerId and the like.</summary>
    [Parameter]
    public string? KeyProperty { get; set; }

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
            KeyProperty = Given(KeyProperty),
            BatchSize = BatchSize,
            MaxProfiles = MaxProfiles,
            KeepDays = KeepDays,
        };
        if (!ShouldProcess(Name, "Create or change the export")) return;
        Export export = Await((engine, ct) => engine.SetExportAsync(change, ct));
        if (PassThru) WriteObject(export);
    }

    /// <summary>A piped export without a connection binds an empty text: nothing was asked for then.</summary>
    private static string? Given(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
