namespace CcExport.Engine.Exports;

/// <summary>Nobody watches.</summary>
internal sealed class NoObserver : IRunObserver
{
    public static readonly NoObserver Instance = new();

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
