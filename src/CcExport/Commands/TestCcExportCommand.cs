using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Shows what an export would do, with a reason for each profile that would not go. Sends nothing.</summary>
/// <remarks>
/// Reads and maps as a run does. The result counts what would be sent and what not, gives the reasons with their numbers, the first contacts as they
/// would be sent, and in its property Rejections one object for each profile that would not go.
/// </remarks>
/// <example><code>Test-CcExport Customers</code><para>Previews a stored export.</para></example>
/// <example><code>(Test-CcExport Customers -First 1000).Rejections | Group-Object Reason</code><para>Looks at the first thousand profiles only.</para></example>
/// <example><code>Test-CcExport -Path ./customers.csv -Encoding windows-1252 -Connection Newsletter -ListId $list.ListId -Map @{ email = 'EMail' }</code><para>Tries a file and a map before an export is stored.</para></example>
[Cmdlet(VerbsDiagnostic.Test, "CcExport", DefaultParameterSetName = NameSet)]
[OutputType(typeof(Preview))]
public sealed class TestCcExportCommand : ExportCmdlet
{
    /// <summary>The most profiles to read. Without it all are read.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long? First { get; set; }

    /// <summary>The most rejections to keep; counting goes on beyond it.</summary>
    [Parameter]
    [ValidateRange(0, 1_000_000)]
    public int MaxRejection { get; set; } = 1_000;

    private protected override bool Approve(RunRequest request) => true;

    private protected override async Task<object> WorkAsync(CcEngine engine, RunRequest request, RunWatcher watcher, CancellationToken ct)
        => await engine.PreviewAsync(request, First, MaxRejection, watcher, ct).ConfigureAwait(false);

    private protected override void Report(RunRequest request, object result) => WriteObject(result);
}
