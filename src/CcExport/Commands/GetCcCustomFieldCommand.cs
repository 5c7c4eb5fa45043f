using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.ConstantContact;

namespace CcExport;

/// <summary>Gets the custom fields of a Constant Contact account.</summary>
/// <remarks>The property MapKey is the key to use in the map of an export: cf: and the field's name.</remarks>
/// <example><code>Get-CcCustomField Newsletter</code><para>Shows the custom fields with their types and map keys.</para></example>
/// <example><code>Get-CcCustomField Newsletter loyalty* | Select-Object -ExpandProperty MapKey</code><para>Shows what to write into a map.</para></example>
[Cmdlet(VerbsCommon.Get, "CcCustomField")]
[OutputType(typeof(CustomField))]
public sealed class GetCcCustomFieldCommand : CcCmdlet
{
    /// <summary>The connection to the account.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string Connection { get; set; } = "";

    /// <summary>Names of fields; wildcards are allowed. Without it all are returned.</summary>
    [Parameter(Position = 1)]
    [SupportsWildcards]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
        => Names.Write(this, Await((engine, ct) => engine.GetCustomFieldsAsync(Connection, ct)), Name, f => f.Name,
            name => Errors.NotFound("custom field", "CustomFieldNotFound", name, $"Get-CcCustomField -Connection '{Connection}'"));
}
