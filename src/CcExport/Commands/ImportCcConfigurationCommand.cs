using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Brings settings of connections, sources, exports and schedules to what a file says.</summary>
/// <remarks>
/// <para>
/// Only what differs is changed, so a second import of the same file does nothing; with -WhatIf each difference is a line. What an entry of the file leaves out has its default
/// again. Exports that are not in the file stay, unless -Prune is given.
/// </para>
/// <para>
/// An import cannot make a connection, since that takes a person's sign-in and consent, nor a source that is opened with a secret: each such one is an error that says what to
/// do, and the rest is imported. Relative paths in the file are relative to it. Nothing goes over the network; Test-CcExport shows whether an export can run.
/// </para>
/// </remarks>
/// <example><code>Import-CcConfiguration ./ccexport.jsonc -WhatIf</code><para>Shows what differs, a line each.</para></example>
/// <example><code>Import-CcConfiguration ./ccexport.jsonc -Prune</code><para>Brings this home to the file, and removes exports that are not in it.</para></example>
[Cmdlet(VerbsData.Import, "CcConfiguration", SupportsShouldProcess = true)]
[OutputType(typeof(ConfigurationChange))]
public sealed class ImportCcConfigurationCommand : CcCmdlet
{
    /// <summary>The file, as Export-CcConfiguration writes it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>Removes exports that are not in the file. Their runs stay.</summary>
    [Parameter]
    public SwitchParameter Prune { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        string file = Paths.Resolve(SessionState, Path), text;
        try { text = File.ReadAllText(file); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CcException("FileNotReadable", CcErrorKind.NotFound, $"'{file}' cannot be read: {e.Message}", "Check the path.", e) { Subject = file };
        }
        foreach (ConfigurationChange change in Await((engine, ct) => engine.CompareConfigurationAsync(text, System.IO.Path.GetDirectoryName(file)!, Prune, ct)))
        {
            if (!Approve(change)) continue;
            try
            {
                Await((engine, ct) => engine.ApplyConfigurationAsync(change, ct));
                WriteObject(change);
            }
            catch (CcException e) { WriteError(Errors.About(e, change.Name)); }   // the next one may well do
        }
    }

    /// <summary>With -WhatIf each difference is said by itself; to be confirmed they are one question.</summary>
    private bool Approve(ConfigurationChange change)
    {
        string what = $"{change.Action} {change.Kind.ToLowerInvariant()} '{change.Name}'";
        if (!IsWhatIf()) return ShouldProcess($"{what}: {string.Join("; ", change.Differences)}", $"{what}?{Environment.NewLine}{string.Join(Environment.NewLine, change.Differences)}", "Import of a configuration");
        foreach (string difference in change.Differences) ShouldProcess($"{what}: {difference}", "", "");
        return false;
    }

    private bool IsWhatIf() => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given) ? LanguagePrimitives.IsTrue(given) : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
}
