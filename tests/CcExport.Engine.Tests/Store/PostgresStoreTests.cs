using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

public sealed class PostgresDefinitionTests : DefinitionCompliance
{
    private readonly PostgresFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await fixture.DropAsync();
    }
}

public sealed class PostgresJournalTests : JournalCompliance
{
    private readonly PostgresFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await fixture.DropAsync();
    }
}

public sealed class PostgresLedgerTests : LedgerCompliance
{
    private readonly PostgresFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await fixture.DropAsync();
    }
}

public sealed class PostgresLeaseTests : LeaseCompliance
{
    private readonly PostgresFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await fixture.DropAsync();
    }
}

public sealed class PostgresRecoveryTests : RecoveryCompliance
{
    private readonly PostgresFixture fixture = new();
    private protected override Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null) => fixture.OpenAsync(isAlive);
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await fixture.DropAsync();
    }
}
