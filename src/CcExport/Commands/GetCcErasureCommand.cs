using System.Management.Automation;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Gets the proofs of removals by Remove-CcContactData: when, by whom, and how much of what. They do not say whose data it was.</summary>
/// <remarks>A proof holds no address; with -Email those of that address are found by its encrypted hash.</remarks>
/// <example><code>Get-CcErasure</code><para>All of them.</para></example>
/// <example><code>Get-CcErasure -Email jane@example.com</code><para>Whether and when this person's data was removed.</para></example>
[Cmdlet(VerbsCommon.Get, "CcErasure")]
[OutputType(typeof(ContactErasure))]
public sealed class GetCcErasureCommand : CcCmdlet
{
    /// <summary>Only removals of this address.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string? Email { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        var watcher = new RunWatcher(Post, this, MyInvocation.MyCommand.Name);
        try { WriteObject(Await((engine, ct) => engine.GetErasuresAsync(Email, watcher, ct)), enumerateCollection: true); }
        finally { watcher.Close(); }
    }
}
