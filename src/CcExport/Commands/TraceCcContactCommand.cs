using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Shows what became of an address: in each run that is kept, and in Constant Contact now.</summary>
/// <remarks>
/// <para>
/// Returns one object for each run that saw the address, newest first: its segment and row, what became of it and why, the batch and the job of the service, the
/// fields that were sent, and whether the service has them so now. Then comes one object for each connection: what the account has of it now, which
/// exports remember having put it on a list, and whether it is suppressed.
/// </para>
/// <para>
/// Runs are known as long as they are kept (-KeepDays of the export). Addresses and values are not kept: what is searched is an encrypted hash. The address is sent
/// to the service to ask for the contact, one call for each connection.
/// </para>
/// </remarks>
/// <example><code>Trace-CcContact jane@example.com</code><para>Why is she, or is she not, on the list?</para></example>
/// <example><code>Trace-CcContact jane@example.com -Export Customers | Where-Object RunId | Format-List</code><para>All about one export's runs.</para></example>
[Cmdlet(VerbsDiagnostic.Trace, "CcContact")]
[OutputType(typeof(TracedRun), typeof(TracedAccount))]
public sealed class TraceCcContactCommand : CcCmdlet
{
    /// <summary>The address.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Email { get; set; } = [];

    /// <summary>Looks only at this connection and its runs.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string? Connection { get; set; }

    /// <summary>Looks only at this export's runs and its connection.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ExportCompleter))]
    public string? Export { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (string email in Email)
        {
            try
            {
                ContactTrace trace = Await((engine, ct) => engine.TraceContactAsync(email, Connection, Export, ct));
                WriteObject(trace.Runs, enumerateCollection: true);
                WriteObject(trace.Accounts, enumerateCollection: true);
            }
            catch (CcException e) { WriteError(Errors.From(e)); }
        }
    }
}
