using System.Diagnostics;
using System.Globalization;

namespace CcExport.Benchmarks;

/// <summary>What this process has used so far, as one JSON line.</summary>
internal static class Usage
{
    public static void Print()
    {
        using var me = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{{\"cpu\":{me.TotalProcessorTime.TotalSeconds:F3},\"wall\":{(DateTime.Now - me.StartTime).TotalSeconds:F3},\"peakMB\":{me.PeakWorkingSet64 / 1e6:F1}}}"));
    }
}
