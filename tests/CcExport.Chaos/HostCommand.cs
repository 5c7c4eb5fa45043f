using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport.Chaos;

/// <summary>One engine in a process of its own that invokes one export, and may not live to its end.</summary>
internal static class HostCommand
{
    public static async Task<int> RunAsync(HostOptions options)
    {
        HostResult result;
        try
        {
            await using CcEngine engine = await Engines.OpenAsync(options);
            result = HostResult.Of(await engine.InvokeAsync(new RunRequest { ExportName = options.Export, Verify = options.Verify }, Silent.Observer, default));
        }
        catch (Exception e)
        {
            // Whatever it is: the orchestrator has to see it, for an unexpected end is a finding.
            result = HostResult.Of(e);
        }
        Console.Out.WriteLine(result.ToJson());
        return 0;
    }
}
