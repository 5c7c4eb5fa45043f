using CcExport.Engine.Store;
using CcExport.Engine.Store.Sqlite;

namespace CcExport.Engine.Tests.Store;

/// <summary>Opens SQLite stores for the compliance suites.</summary>
internal sealed class SqliteFixture : IDisposable
{
    private readonly TempHome home = new();

    public async Task<IStore> OpenAsync(Func<int, long, bool>? isAlive) =>
        await SqliteStore.OpenAsync(home.Home, TimeProvider.System,
            new SqliteStoreOptions { IsAlive = isAlive ?? ProcessTable.IsAlive }, CancellationToken.None);

    public void Dispose() => home.Dispose();
}

public sealed class SqliteDefinitionTests : DefinitionCompliance
{
    private readonly SqliteFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        fixture.Dispose();
    }
}

public sealed class SqliteJournalTests : JournalCompliance
{
    private readonly SqliteFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        fixture.Dispose();
    }
}

public sealed class SqliteLedgerTests : LedgerCompliance
{
    private readonly SqliteFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        fixture.Dispose();
    }
}

public sealed class SqliteLeaseTests : LeaseCompliance
{
    private readonly SqliteFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        fixture.Dispose();
    }
}

public sealed class SqliteRecoveryTests : RecoveryCompliance
{
    private readonly SqliteFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        fixture.Dispose();
    }
}
