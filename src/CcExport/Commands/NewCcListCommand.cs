using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.ConstantContact;

namespace CcExport;

/// <summary>Makes a list in a Constant Contact account.</summary>
/// <remarks>Names of lists are unique in an account, without regard to case; for one that is taken there is an error with the id of the list that has it. The signed-in user needs the right to write lists.</remarks>
/// <example><code>New-CcList Newsletter 'Active customers'</code><para>Makes a list in the account behind the connection Newsletter.</para></example>
/// <example><code>$list = New-CcList Newsletter Prospects -Description 'From Customer Insights'; Set-CcExport Prospects -Connection Newsletter -ListId $list.ListId -Source Insights -Map @{ email = 'EMail' }</code><para>Makes a list, and an export to it.</para></example>
[Cmdlet(VerbsCommon.New, "CcList", SupportsShouldProcess = true)]
[OutputType(typeof(ContactList))]
public sealed class NewCcListCommand : CcCmdlet
{
    /// <summary>The connection to the account.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string Connection { get; set; } = "";

    /// <summary>The name of the list, at most 255 characters.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateLength(1, 255)]
    public string Name { get; set; } = "";

    /// <summary>What the list is for, as the product shows it.</summary>
    [Parameter]
    public string? Description { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (!ShouldProcess($"account of '{Connection}'", $"Make the list '{Name}'")) return;
        try { WriteObject(Await((engine, ct) => engine.AddListAsync(Connection, Name, Description, ct))); }
        catch (CcException e) { WriteError(Errors.From(e, Name)); }
    }
}
