using Microsoft.Data.Sqlite;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>Turns SQLite's result codes into failures that a person can act on.</summary>
internal static class SqliteErrors
{
    public const int Ok = 0;
    private const int Perm = 3, Busy = 5, Locked = 6, ReadOnly = 8, Io = 10, Corrupt = 11, Full = 13, CanNotOpen = 14, NotADatabase = 26;
    private const int UniqueViolation = 2067, PrimaryKeyViolation = 1555, ForeignKeyViolation = 787, Restricted = 1811;

    public static bool IsBusy(int code) => (code & 0xFF) is Busy or Locked;

    public static bool IsDuplicate(SqliteException e) => e.SqliteExtendedErrorCode is UniqueViolation or PrimaryKeyViolation;

    public static bool IsMissingParent(SqliteException e) => e.SqliteExtendedErrorCode == ForeignKeyViolation;

    // ON DELETE RESTRICT is enforced at once, by SQLite's own trigger, and says so.
    public static bool IsRestricted(SqliteException e) => e.SqliteExtendedErrorCode == Restricted;

    /// <summary>The failure as this project names it. SQLite's own text goes along as the cause only: it names columns, never values.</summary>
    public static CcException Translate(SqliteException e, CcHome home) => e.SqliteErrorCode switch
    {
        Perm or ReadOnly or CanNotOpen => home.NotWritable(e),
        Corrupt or NotADatabase => NotAStore(home, e),
        Full => home.DiskFull(e),
        Io => new CcException("StoreFailed", CcErrorKind.Storage, $"The disk failed while the store '{home.StoreFile}' was used.",
            "Check the disk and the free space, then run the command again.", e)
        { Subject = home.StoreFile },
        _ => new CcException("StoreFailed", CcErrorKind.Storage, $"The store '{home.StoreFile}' refused an operation (code {e.SqliteExtendedErrorCode}).",
            "Run the command again; if it fails the same way, report it with this code.", e)
        { Subject = home.StoreFile },
    };

    public static CcException NotAStore(CcHome home, Exception? cause = null) =>
        new("StoreCorrupt", CcErrorKind.Storage, $"The file '{home.StoreFile}' is damaged or is not a store of CcExport. It was left as it is.",
            "Put a backup of the file in its place, or move the file away to start with an empty store.", cause)
        { Subject = home.StoreFile };

    public static CcException LockedTooLong(CcHome home, TimeSpan waited) =>
        new("StoreLocked", CcErrorKind.Storage, $"Another process has held the store '{home.StoreFile}' locked for {waited.TotalSeconds:0} seconds.",
            "Close the program that holds it (a backup, a database viewer, a suspended shell) and run the command again.")
        { Subject = home.StoreFile };

    public static CcException Closed(CcHome home) =>
        new("StoreClosed", CcErrorKind.Storage, $"The store '{home.StoreFile}' is closed already.", "Run the command again; if it goes on, report it.") { Subject = home.StoreFile };
}
