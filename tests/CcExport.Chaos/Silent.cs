using CcExport.Engine.Exports;

namespace CcExport.Chaos;

/// <summary>Hears everything and says nothing: hosts are judged by what they do.</summary>
internal sealed class Silent : IRunObserver
{
    public static Silent Observer { get; } = new();

    public void Progress(RunProgress progress)
    {
    }

    public void Warning(string message)
    {
    }

    public void Verbose(string message)
    {
    }
}
