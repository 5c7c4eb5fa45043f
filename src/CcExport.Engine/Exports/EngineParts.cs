using CcExport.Engine.ConstantContact;
using CcExport.Engine.Identity;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>What the conductor and the books work with, put together once when the engine opens.</summary>
internal sealed record EngineParts(CcHome Home, IStore Store, ISecretBox Secrets, TimeProvider Time, WireContext Wire, UploadOptions Upload)
{
    /// <summary>Rows and bytes of a batch; smaller in tests, so that every edge is crossed.</summary>
    public int BatchRows { get; init; } = Limits.BatchRows;
    public int BatchBytes { get; init; } = Limits.BatchBytes;

    /// <summary>Opens the spool of a run under its key.</summary>
    public Func<CcHome, long, byte[], ISpool> OpenSpool { get; init; } = static (home, run, key) => new Spool(Spool.FolderOf(home.SpoolFolder, run), run, key);

    public LeaseTimes RunLease { get; init; } = new();
}

/// <summary>How long a run's lease lives without a sign of life, and how often one is given; shorter in tests.</summary>
internal sealed record LeaseTimes
{
    public TimeSpan Life { get; init; } = TimeSpan.FromSeconds(60);
    public TimeSpan Beat { get; init; } = TimeSpan.FromSeconds(15);
}
