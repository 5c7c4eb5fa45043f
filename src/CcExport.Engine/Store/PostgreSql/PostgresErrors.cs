using System.Net.Sockets;
using Npgsql;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>Turns PostgreSQL's states into failures that a person can act on. Names the server and the database, never the password.</summary>
internal sealed class PostgresErrors(NpgsqlConnectionStringBuilder target)
{
    /// <summary>The environment variable that names the database.</summary>
    public const string Variable = "CCEXPORT_STORE";

    /// <summary>Raised by the step that makes the roles, where this login may not.</summary>
    private const string RolesMissing = "CC001";

    /// <summary>Server and database, for people.</summary>
    public string Where { get; } = $"{target.Host}/{target.Database}";

    private readonly string _login = target.Username ?? "";

    public static bool IsDuplicate(PostgresException e) => e.SqlState == PostgresErrorCodes.UniqueViolation;

    public static bool IsMissingParent(PostgresException e) => e.SqlState == PostgresErrorCodes.ForeignKeyViolation;

    /// <summary>The same may well succeed in a moment: two transactions in each other's way, a server that restarts, a line that broke.</summary>
    public static bool IsPassing(NpgsqlException e) => e is PostgresException p
        ? p.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
            or PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections || p.SqlState.StartsWith("08", StringComparison.Ordinal)
        : e.InnerException is IOException or SocketException or TimeoutException || e.IsTransient;

    /// <summary>The failure as this project names it. PostgreSQL's own text goes along as the cause only; it names columns, never values.</summary>
    /// <param name="committing">The answer to a commit was lost: it may have been done.</param>
    public CcException Translate(NpgsqlException e, bool committing = false) => (e as PostgresException)?.SqlState switch
    {
        PostgresErrorCodes.InsufficientPrivilege => Forbidden(e),
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new("StoreSignInRefused", CcErrorKind.Authentication,
            $"PostgreSQL refused the login '{_login}' for the store {Where}.", $"Correct user and password in the environment variable {Variable}.", e)
        { Subject = Where },
        PostgresErrorCodes.InvalidCatalogName => new("StoreNotFound", CcErrorKind.NotFound, $"The database {Where} does not exist.",
            $"Create it (CREATE DATABASE), or correct the environment variable {Variable}.", e)
        { Subject = Where },
        RolesMissing => new("StoreRolesMissing", CcErrorKind.Permission, $"The login '{_login}' may not make the roles that the store {Where} needs.",
            "Ask the server's administrator to run once: CREATE ROLE ccexport_administrator; CREATE ROLE ccexport_runner; CREATE ROLE ccexport_contributor;", e)
        { Subject = Where },
        PostgresErrorCodes.DiskFull => new("DiskFull", CcErrorKind.Storage, $"The disk of the store {Where} is full; nothing was written.", "Free some space on the server, and run the command again.", e)
        { Subject = Where },
        PostgresErrorCodes.LockNotAvailable => new("StoreLocked", CcErrorKind.Storage, $"Another session has held rows of the store {Where} locked for too long.",
            "Look for idle transactions in pg_stat_activity, and run the command again.", e)
        { Subject = Where },
        PostgresErrorCodes.TooManyConnections => new("StoreBusy", CcErrorKind.Storage, $"The server of the store {Where} has no connection left.",
            "Raise max_connections, lower 'Maximum Pool Size' in the connection string, or let fewer runners work at once.", e)
        { Subject = Where },
        { } state when !IsPassing(e) => new("StoreFailed", CcErrorKind.Storage, $"The store {Where} refused an operation (state {state}).",
            "Run the command again; if it fails the same way, report it with this state.", e)
        { Subject = Where },
        _ => new("StoreUnreachable", CcErrorKind.Storage,
            committing ? $"The store {Where} was lost in the middle of writing; whether the last step was written is seen at the next start."
                : $"The store {Where} cannot be reached.",
            "Check that the server runs and that this machine reaches it, then run the command again: it goes on from what was written.", e)
        { Subject = Where },
    };

    public CcException Forbidden(Exception? cause = null) => new("RoleForbids", CcErrorKind.Permission, $"The login '{_login}' may not do this in the store {Where}.",
        "Ask an administrator to do it, or to give this login another role (ccexport_administrator, ccexport_runner, ccexport_contributor).", cause)
    { Subject = Where };

    public CcException TooNew(string script) => new("StoreTooNew", CcErrorKind.Storage, $"The store {Where} was written by a newer version of CcExport (its step '{script}' is not known here).",
        "Update the CcExport module on this machine.")
    { Subject = Where };

    public CcException NotMade() => new("StoreNotReady", CcErrorKind.Storage, $"The database {Where} holds no store of this version, and the login '{_login}' may not make one.",
        "Let the owner of the database open it once with this version: Get-CcConnection is enough.")
    { Subject = Where };

    public CcException Closed() => new("StoreClosed", CcErrorKind.Storage, $"The store {Where} is closed already.", "Run the command again; if it goes on, report it.") { Subject = Where };
}
