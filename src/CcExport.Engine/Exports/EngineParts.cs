using CcExport.Engine.ConstantContact;
using CcExport.Engine.Identity;
using CcExport.Engine.Identity.Entra;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>What the conductor and the books work with, put together once when the engine opens.</summary>
internal sealed record EngineParts(CcHome Home, IStore Store, ISecretBox Secrets, TimeProvider Time, WireContext Wire, UploadOptions Upload)
{
    /// <summary>Rows and bytes of a batch; smaller in tests, so that every edge is crossed.</summary>
    public int BatchRows { get; init; } = Limits.BatchRows;
    public int BatchBytes { get; init; } = Limits.BatchBytes;

    /// <summary>Contacts that are read by their pages; more come by a contact export. Fewer in tests, so that every way is gone.</summary>
    public int LookContacts { get; init; } = 1000;

    /// <summary>Opens the spool of a run under its key.</summary>
    public Func<CcHome, long, byte[], ISpool> OpenSpool { get; init; } = static (home, run, key) => new Spool(Spool.FolderOf(home.SpoolFolder, run), run, key);

    /// <summary>The network of sources; null: the machine's. Tests give their own.</summary>
    public HttpMessageHandler? SourceNetwork { get; init; }

    /// <summary>Opens a stored export user.</summary>
    public Func<EngineParts, ExportUserRecord, IAccessTokens> OpenExportUser { get; init; } = ExportUserTokens.Open;

    /// <summary>What wraps the key ring: read each time, so that a session that is told of a certificate need not be opened anew.</summary>
    public Func<KeyRingOptions> KeyRing { get; init; } = static () => KeyRingOptions.FromEnvironment();

    /// <summary>Waits of the sign-in of export users; short in tests.</summary>
    public EntraOptions Entra { get; init; } = new();

    /// <summary>Between the two tries of announcing a failure.</summary>
    public TimeSpan WebhookPause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Checks that the home is the folder of the store's files, where several machines share it: before anything is read from it or written to it.</summary>
    public Func<CancellationToken, Task> AssureFolder { get; init; } = static _ => Task.CompletedTask;

    /// <summary>What is over is removed after a run, no more often than this in a store.</summary>
    public TimeSpan TidyEvery { get; init; } = TimeSpan.FromHours(1);

    public LeaseTimes RunLease { get; init; } = new();
}

/// <summary>How long a run's lease lives without a sign of life, and how often one is given; shorter in tests.</summary>
internal sealed record LeaseTimes
{
    public TimeSpan Life { get; init; } = TimeSpan.FromSeconds(60);
    public TimeSpan Beat { get; init; } = TimeSpan.FromSeconds(15);
}
