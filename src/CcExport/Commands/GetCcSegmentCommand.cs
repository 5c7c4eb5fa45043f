using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.Profiles;

namespace CcExport;

/// <summary>Gets the segments of a source or of a path.</summary>
/// <remarks>
/// A segment is a named group of profiles: a file, an entity of a Customer Insights export folder. Its size is shown where the source knows it
/// without reading.
/// </remarks>
/// <example><code>Get-CcSegment Insights</code><para>Shows the segments of a named source.</para></example>
/// <example><code>Get-CcSegment -Path ./insights-export -Name Active* | Get-CcProfile -First 5</code><para>Looks at the first profiles of some segments of a folder.</para></example>
[Cmdlet(VerbsCommon.Get, "CcSegment", DefaultParameterSetName = SourceSet)]
[OutputType(typeof(Segment))]
public sealed class GetCcSegmentCommand : CcCmdlet
{
    private const string SourceSet = "Source";
    private const string PathSet = "Path";

    /// <summary>The name of a source.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = SourceSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string Source { get; set; } = "";

    /// <summary>The connection whose export user reads, where the source is read as one. Without it the only one there is.</summary>
    [Parameter(ParameterSetName = SourceSet)]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string? Connection { get; set; }

    /// <summary>A file or folder, instead of a named source. Wildcards may stand for exactly one.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>The encoding of the path's files. By default UTF-8, or what a byte order mark says.</summary>
    [Parameter(ParameterSetName = PathSet)]
    [ArgumentCompleter(typeof(EncodingCompleter))]
    public string? Encoding { get; set; }

    /// <summary>The character between fields. By default the one that the first line uses.</summary>
    [Parameter(ParameterSetName = PathSet)]
    public char? Delimiter { get; set; }

    /// <summary>The names of the columns, for files without a heading line.</summary>
    [Parameter(ParameterSetName = PathSet)]
    public string[]? Header { get; set; }

    /// <summary>Names of segments; wildcards are allowed. Without it all are returned.</summary>
    [Parameter(Position = 1)]
    [SupportsWildcards]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        SourceReference place = Paths.Reference(SessionState, Source, Path, Encoding, Delimiter, Header);
        IReadOnlyList<PSObject> segments = [.. Await((engine, ct) => engine.GetSegmentsAsync(place, Connection, Watcher(), ct)).Select(s => WithPlace(s, place, Connection))];
        Names.Write(this, segments, Name, s => ((Segment)s.BaseObject).Name,
            name => Errors.NotFound("segment", "SegmentNotFound", name, "Get-CcSegment without -Name"));
    }

    /// <summary>A segment of a bare path carries the path along, so that it binds to Get-CcProfile.</summary>
    private static PSObject WithPlace(Segment segment, SourceReference place, string? connection)
    {
        var shown = PSObject.AsPSObject(segment);
        if (place.Path is null)
        {
            if (connection is not null) shown.Properties.Add(new PSNoteProperty(nameof(Connection), connection));
            return shown;
        }
        shown.Properties.Add(new PSNoteProperty(nameof(Path), place.Path));
        if (place.Encoding is not null) shown.Properties.Add(new PSNoteProperty(nameof(Encoding), place.Encoding));
        if (place.Delimiter is not null) shown.Properties.Add(new PSNoteProperty(nameof(Delimiter), place.Delimiter));
        if (place.Header is not null) shown.Properties.Add(new PSNoteProperty(nameof(Header), place.Header));
        return shown;
    }
}
