using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Names a file or folder of customer profiles, so that exports can read it.</summary>
/// <remarks>
/// A file is one segment, a folder has one for each of its files, a Customer Insights export folder (model.json) has one for each entity. CSV, JSON
/// lines and gzip of either are known. The path is looked at once, nothing is read.
/// </remarks>
/// <example><code>New-CcSource -Name Insights -Path ./insights-export</code><para>Names a Customer Insights export folder.</para></example>
/// <example><code>New-CcSource Shop ./customers.csv -Encoding windows-1252 -Delimiter ';'</code><para>Names a file that another program wrote in its own way.</para></example>
[Cmdlet(VerbsCommon.New, "CcSource", SupportsShouldProcess = true)]
[OutputType(typeof(ProfileSource))]
public sealed class NewCcSourceCommand : CcCmdlet
{
    /// <summary>The name to keep the source under.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    /// <summary>The file or folder. Wildcards may stand for exactly one.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>The encoding of its files: utf8, utf-16, windows-1252 and the like. By default UTF-8, or what a byte order mark says.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EncodingCompleter))]
    public string? Encoding { get; set; }

    /// <summary>The character between fields. By default the one that the first line uses: comma, semicolon, tab or bar.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public char? Delimiter { get; set; }

    /// <summary>The names of the columns, for files without a heading line.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string[]? Header { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        SourceReference place = Paths.Reference(SessionState, null, Path, Encoding, Delimiter, Header);
        if (ShouldProcess(Name, $"Keep a source that reads '{place.Path}'"))
            WriteObject(Await((engine, ct) => engine.AddSourceAsync(Name, place, ct)));
    }
}
