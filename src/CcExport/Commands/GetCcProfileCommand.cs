using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Profiles;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Reads customer profiles as objects, to look at them or to filter them before an export.</summary>
/// <remarks>
/// The profiles are streamed: a large segment costs no memory, and Select-Object -First ends the reading. All values are text, and become text when they are looked at. Objects pass through the
/// pipeline at a cost; an export that needs no filter reads its source by itself, many times faster.
/// </remarks>
/// <example><code>Get-CcProfile Insights -Segment ActiveCustomers -First 10 | Format-Table</code><para>Looks at the first ten profiles.</para></example>
/// <example><code>Get-CcProfile -Path ./customers.csv | Where-Object Country -eq 'DE' | Invoke-CcExport -Connection Newsletter -ListId $id -Map @{ email = 'EMail' }</code><para>Filters, then exports what is left.</para></example>
[Cmdlet(VerbsCommon.Get, "CcProfile", DefaultParameterSetName = PathSet)]
[OutputType(typeof(Profile))]
public sealed class GetCcProfileCommand : CcCmdlet
{
    private const string SourceSet = "Source";
    private const string PathSet = "Path";
    private const int PagesReady = 8;

    /// <summary>The name of a source.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = SourceSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string Source { get; set; } = "";

    /// <summary>The connection whose export user reads, where the source is read as one. Without it the only one there is.</summary>
    [Parameter(ParameterSetName = SourceSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string? Connection { get; set; }

    /// <summary>A file or folder, instead of a named source. Wildcards may stand for exactly one.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>The encoding of the path's files. By default UTF-8, or what a byte order mark says.</summary>
    [Parameter(ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EncodingCompleter))]
    public string? Encoding { get; set; }

    /// <summary>The character between fields. By default the one that the first line uses.</summary>
    [Parameter(ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    public char? Delimiter { get; set; }

    /// <summary>The names of the columns, for files without a heading line.</summary>
    [Parameter(ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    public string[]? Header { get; set; }

    /// <summary>The segments to read. Without it all are read, one after the other.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(SegmentCompleter))]
    public string[]? Segment { get; set; }

    /// <summary>The columns to read. Without it all are read.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ColumnCompleter))]
    public string[]? Property { get; set; }

    /// <summary>The most profiles to read of each segment.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long? First { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        SourceReference place = Paths.Reference(SessionState, Source, Path, Encoding, Delimiter, Header);
        RunWatcher watcher = Watcher();
        try
        {
            IEnumerable<string> segments = Segment is { Length: > 0 } ? Segment : Await((engine, ct) => engine.GetSegmentsAsync(place, Connection, watcher, ct)).Select(s => s.Name);
            foreach (string segment in segments) Read(place, segment, watcher);
        }
        catch (Exception e) when (Errors.IsOurs(e))
        {
            // A script may go on to the next segment, with an export behind it that ends as if all had come.
            ReadingDoubts.Note();
            throw;
        }
    }

    private void Read(SourceReference place, string segment, RunWatcher watcher)
    {
        foreach (object[] profiles in Each((engine, ct) => ReadAhead.Of(ObjectsAsync(engine.GetProfilesAsync(place, segment, Property, First, Connection, watcher, ReadingDoubts.Note, ct)), PagesReady)))
        {
            WriteObject(profiles, enumerateCollection: true);
        }
    }

    private static async IAsyncEnumerable<object[]> ObjectsAsync(IAsyncEnumerable<ProfilePage> pages)
    {
        await foreach (ProfilePage page in pages.ConfigureAwait(false)) yield return Objects(page);
    }

    private static object[] Objects(ProfilePage page)
    {
        object[] profiles = new object[page.Rows.Count];
        if (ProfileTypes.For(page.Columns) is { } type)
        {
            for (int i = 0; i < profiles.Length; i++) profiles[i] = type.Create(page.Rows[i]);
            return profiles;
        }
        for (int i = 0; i < profiles.Length; i++)
        {
            var profile = new PSObject();
            for (int column = 0; column < page.Columns.Count; column++)
                profile.Properties.Add(new PSNoteProperty(page.Columns[column], ProfilePage.Text(page.Rows[i], column)), preValidated: true);
            profiles[i] = profile;
        }
        return profiles;
    }
}
