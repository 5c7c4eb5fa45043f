using System.Management.Automation;

namespace CcExport.Pipeline;

/// <summary>
/// Values that script blocks give for piped objects, as Select-Object's calculated properties do: <c>$_</c> is the object, several outputs are joined like
/// several values of one property, and where the script fails the value is missing. How often that was is said once, at the end. Runs on the
/// pipeline's thread.
/// </summary>
internal sealed class ScriptValues(string what, ScriptBlock script)
{
    // Whatever goes wrong in the script must end it: it would go on with the next statement otherwise, and print an error for each object.
    private readonly PSVariable _stop = new("ErrorActionPreference", ActionPreference.Stop);
    private long _asked;
    private long _failed;

    public string? Of(PSObject input)
    {
        _asked++;
        try
        {
            // A list for each: PowerShell takes the $_ out of it.
            IReadOnlyList<PSObject?> values = script.InvokeWithContext(null, [new PSVariable("_", input), _stop]);
            return values.Count == 1 ? ValueText.Of((object?)values[0]) : ValueText.Of((object)values);
        }
        catch (RuntimeException e) when (e is not PipelineStoppedException)
        {
            // Its words may hold a person's data.
            _failed++;
            return null;
        }
    }

    /// <summary>Says how many objects it failed for, if for any.</summary>
    public void Report(Action<string> warn)
    {
        if (_failed > 0) warn($"The script block for {what} failed for {_failed:N0} of {_asked:N0} objects; each counts as a missing value.");
        _failed = 0;
    }
}
