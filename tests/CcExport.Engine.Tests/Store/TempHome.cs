using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

/// <summary>A home folder of its own for one test, gone afterwards.</summary>
internal sealed class TempHome : IDisposable
{
    public CcHome Home { get; } = new(Path.Combine(Path.GetTempPath(), "ccexport-tests", Guid.NewGuid().ToString("N")));

    public string File(string name) => Path.Combine(Home.Root, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Home.Root, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // The test never made it.
        }
    }
}
