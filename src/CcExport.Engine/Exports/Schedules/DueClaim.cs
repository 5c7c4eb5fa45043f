namespace CcExport.Engine.Exports;

/// <summary>An export whose schedule this process is at, and nobody else, until it is disposed.</summary>
public sealed class DueClaim : IAsyncDisposable
{
    private readonly RunLease _lease;

    internal DueClaim(string export, RunLease lease) => (Export, _lease) = (export, lease);

    /// <summary>Its name.</summary>
    public string Export { get; }

    /// <summary>Gives it back.</summary>
    public ValueTask DisposeAsync() => _lease.DisposeAsync();
}
