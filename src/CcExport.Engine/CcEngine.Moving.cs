using CcExport.Engine.Exports;
using CcExport.Engine.Identity;
using CcExport.Engine.Store;
using CcExport.Engine.Store.PostgreSql;

namespace CcExport.Engine;

/// <content>Moving a store.</content>
public sealed partial class CcEngine
{
    /// <summary>
    /// Brings the store of the home to the PostgreSQL database that <c>$env:CCEXPORT_STORE</c> names (network), and wraps the key ring as the environment says. Broken off, it is done
    /// anew. <c>StoreNotFound</c>, <c>StoreNotEmpty</c>, <c>StoreInUse</c>, <c>KeyRingSettingMissing</c>, and what is wrong with the database.
    /// </summary>
    public static Task<StoreMove> MoveFromHomeAsync(CancellationToken ct) => MoveFromHomeAsync(CcHome.Resolve(), Server(), KeyRingOptions.FromEnvironment(), TimeProvider.System, ct);

    internal static async Task<StoreMove> MoveFromHomeAsync(CcHome home, string server, KeyRingOptions ring, TimeProvider time, CancellationToken ct, Action<string>? step = null)
        => StoreMove.Of(await Mover(home, ring, mustBeWrapped: true, time, step).ToPostgresAsync(server, ct).ConfigureAwait(false));

    /// <summary>The other way: into the home, whose key ring is wrapped as the environment says, or lies unwrapped. <c>StoreInUse</c>, <c>RoleForbids</c>.</summary>
    public static Task<StoreMove> MoveToHomeAsync(CancellationToken ct) => MoveToHomeAsync(CcHome.Resolve(), Server(), KeyRingOptions.FromEnvironment(), TimeProvider.System, ct);

    internal static async Task<StoreMove> MoveToHomeAsync(CcHome home, string server, KeyRingOptions ring, TimeProvider time, CancellationToken ct, Action<string>? step = null)
        => StoreMove.Of(await Mover(home, ring, mustBeWrapped: false, time, step).ToHomeAsync(server, ct).ConfigureAwait(false));

    private static StoreMover Mover(CcHome home, KeyRingOptions ring, bool mustBeWrapped, TimeProvider time, Action<string>? step)
        => new(home, time, (from, to, token) => new KeyRingKeeper(from, ring, time).CopyToAsync(to, mustBeWrapped, token)) { Step = step ?? (static _ => { }) };

    private static string Server() => Environment.GetEnvironmentVariable(PostgresErrors.Variable) is { } server && !string.IsNullOrWhiteSpace(server) ? server
        : throw new CcException("StoreSettingMissing", CcErrorKind.InvalidArgument, $"The environment variable {PostgresErrors.Variable} names no database.",
            $"Set {PostgresErrors.Variable} to the connection string of the PostgreSQL database, for this session: $env:{PostgresErrors.Variable} = 'Host=server;Database=ccexport;Username=owner;Password=…'.");
}
