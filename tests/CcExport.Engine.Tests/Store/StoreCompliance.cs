using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

/// <summary>
/// What every store must do, whatever it is made of. An engine inherits each of the suites below and says how it opens a
/// store on the same data, twice if a test asks for it: the second is another process as far as the store can tell.
/// </summary>
public abstract class StoreCompliance : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> opened = [];

    /// <summary>Opens a store on this test's data.</summary>
    private protected abstract Task<IStore> OpenAsync(Func<int, long, bool>? isAlive = null);

    private protected IStore Store { get; private set; } = null!;

    private protected static CancellationToken None => CancellationToken.None;

    public async Task InitializeAsync() => Store = await AnotherAsync();

    private protected async Task<IStore> AnotherAsync(Func<int, long, bool>? isAlive = null)
    {
        IStore store = await OpenAsync(isAlive);
        opened.Add(store);
        return store;
    }

    public virtual async Task DisposeAsync()
    {
        foreach (IAsyncDisposable store in opened)
        {
            await store.DisposeAsync();
        }
    }

    private protected static async Task<CcException> FailsAsync(string errorId, CcErrorKind kind, Func<Task> act)
    {
        CcException e = await Assert.ThrowsAsync<CcException>(act);
        Assert.Equal((errorId, kind), (e.ErrorId, e.Kind));
        return e;
    }
}
