using System.Management.Automation;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Puts addresses on the stored suppression list: no export sends them, whatever its source holds.</summary>
/// <remarks>
/// <para>
/// Kept is an encrypted hash of each address, never the address: the list can be asked about an address and cannot be read. What is no e-mail address is
/// ignored and counted in a warning.
/// </para>
/// <para>
/// A file holds one address a line, or is a CSV or NDJSON file with a column email, e-mail or email address; it may be compressed (.gz).
/// </para>
/// </remarks>
/// <example><code>Add-CcSuppression jane@example.com -Note 'Asked by phone, 3 May'</code><para>One person.</para></example>
/// <example><code>Import-Csv ./complaints.csv | Add-CcSuppression -Note Complaints</code><para>Objects with a property Email.</para></example>
/// <example><code>Add-CcSuppression -Path ./do-not-mail/*.txt</code><para>All addresses of some files.</para></example>
[Cmdlet(VerbsCommon.Add, "CcSuppression", SupportsShouldProcess = true, DefaultParameterSetName = EmailSet)]
[OutputType(typeof(void))]
public sealed class AddCcSuppressionCommand : CcCmdlet
{
    private const string EmailSet = "Email", PathSet = "Path";

    private readonly List<string> _emails = [];

    /// <summary>Addresses.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = EmailSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Email { get; set; } = [];

    /// <summary>Files of addresses. Wildcards are resolved.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>Why, for whoever looks later. No address should stand in it.</summary>
    [Parameter]
    public string? Note { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord() => _emails.AddRange(Email);

    /// <inheritdoc/>
    protected override void OnEnd()
    {
        if (ParameterSetName == PathSet)
        {
            string[] files = Paths.ResolveAll(SessionState, Path);
            if (ShouldProcess(string.Join(", ", files), "Suppress the addresses of")) Report(Await((engine, ct) => engine.AddSuppressionFilesAsync(files, Environment.UserName, Note, ct)));
        }
        // No address is shown in the question: it would stand in a transcript.
        else if (_emails.Count > 0 && ShouldProcess($"{_emails.Count} address(es)", "Suppress"))
        {
            Report(Await((engine, ct) => engine.AddSuppressionAsync(_emails, Environment.UserName, Note, ct)));
        }
    }

    private void Report(SuppressionChange change)
    {
        WriteVerbose($"{change.Added} added, {change.Known} on the list before.");
        if (change.NotAddresses > 0) WriteWarning($"{change.NotAddresses} of what was given is no e-mail address and was ignored.");
    }
}
