using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Takes addresses off the stored suppression list, so that exports may send them again.</summary>
/// <remarks>
/// A person whose data was removed (Remove-CcContactData) is on the list with the reason Erased; taking her off asks first, whatever the other confirmations
/// are. Addresses in files of -SuppressionPath stay held out until the file changes.
/// </remarks>
/// <example><code>Remove-CcSuppression jane@example.com</code><para>Lets an address be sent again.</para></example>
/// <example><code>Import-Csv ./returned.csv | Remove-CcSuppression -Confirm</code><para>Objects with a property Email, asking for each.</para></example>
[Cmdlet(VerbsCommon.Remove, "CcSuppression", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveCcSuppressionCommand : CcCmdlet
{
    /// <summary>Addresses to take off.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Email { get; set; } = [];

    /// <summary>Does not ask before taking off somebody whose data was removed.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (string email in Email)
        {
            try
            {
                Suppression found = Await((engine, ct) => engine.GetSuppressionAsync(email, ct));
                if (!ShouldProcess("1 address", "Take off the suppression list")) continue;
                if (found.IsErased && !Force
                    && !AskPerson("This person's data was removed with Remove-CcContactData. Taking the address off the list lets exports send it again. Go on?", "Take an erased person off the suppression list", NobodyToAsk))
                {
                    continue;
                }
                Await((engine, ct) => engine.RemoveSuppressionAsync(email, ct));
            }
            catch (CcException e) { WriteError(Errors.From(e)); }
        }
    }

    private static CcException NobodyToAsk(Exception? cause) => new("ConfirmationRequired", CcErrorKind.InvalidArgument, "The person's data was removed, and there is nobody to ask whether the address may be sent again.",
        "Add -Force if that is what you want.", cause);
}
