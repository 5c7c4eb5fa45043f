using Dapper;
using Microsoft.Data.Sqlite;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>
/// The tables, as an ordered list of steps. <c>user_version</c> counts the steps that a file has had; a step that was ever
/// released is never changed, only followed by another. Times are UTC ticks, ids and states text, flags 0 or 1.
/// </summary>
internal static class SqliteSchema
{
    public static IReadOnlyList<string> Steps { get; } =
    [
        """
        -- When this file had which step: what support asks first.
        CREATE TABLE History (
            Step INTEGER PRIMARY KEY NOT NULL,
            AppliedAt INTEGER NOT NULL
        );

        CREATE TABLE Connections (
            Id TEXT PRIMARY KEY NOT NULL,
            Name TEXT NOT NULL,
            NameKey TEXT NOT NULL UNIQUE,
            ClientId TEXT NOT NULL,
            ApiEndpoint TEXT NOT NULL,
            AuthorizationEndpoint TEXT NOT NULL,
            AccountId TEXT,
            Organization TEXT,
            ContactLimit INTEGER,
            AllowContributor INTEGER NOT NULL,
            ConsentedBy TEXT NOT NULL,
            ConsentedAt INTEGER NOT NULL,
            ConsentTextVersion TEXT NOT NULL,
            CreatedAt INTEGER NOT NULL,
            SignedOutAt INTEGER,
            RefreshTokenIssuedAt INTEGER NOT NULL,
            SecretsVersion INTEGER NOT NULL,
            Secrets BLOB NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE Sources (
            NameKey TEXT PRIMARY KEY NOT NULL,
            Name TEXT NOT NULL,
            Json TEXT NOT NULL,
            CreatedAt INTEGER NOT NULL,
            UpdatedAt INTEGER NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE Exports (
            NameKey TEXT PRIMARY KEY NOT NULL,
            Name TEXT NOT NULL,
            ConnectionId TEXT REFERENCES Connections (Id) ON DELETE RESTRICT,
            Json TEXT NOT NULL,
            CreatedAt INTEGER NOT NULL,
            UpdatedAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX ExportsByConnection ON Exports (ConnectionId);

        -- AUTOINCREMENT: a run's id names files and is shown to people; it is never given twice.
        CREATE TABLE Runs (
            Id INTEGER PRIMARY KEY AUTOINCREMENT,
            Export TEXT,
            ExportKey TEXT,
            ConnectionId TEXT NOT NULL,
            Connection TEXT NOT NULL,
            ListId TEXT NOT NULL,
            Status TEXT NOT NULL,
            "Trigger" TEXT NOT NULL,
            StartedAt INTEGER NOT NULL,
            AllSealedAt INTEGER,
            CompletedAt INTEGER,
            Read INTEGER NOT NULL,
            Invalid INTEGER NOT NULL,
            Duplicate INTEGER NOT NULL,
            Suppressed INTEGER NOT NULL,
            Unchanged INTEGER NOT NULL,
            Sent INTEGER NOT NULL,
            Accepted INTEGER NOT NULL,
            OptedOut INTEGER NOT NULL,
            Refused INTEGER NOT NULL,
            Unaccounted INTEGER NOT NULL,
            Removed INTEGER NOT NULL,
            Noted INTEGER NOT NULL,
            Batches INTEGER NOT NULL,
            Requests INTEGER NOT NULL,
            BytesSent INTEGER NOT NULL,
            Message TEXT,
            Definition TEXT NOT NULL,
            SpoolKey BLOB
        );
        CREATE INDEX RunsByExport ON Runs (ExportKey, Id);
        CREATE INDEX RunsByStatus ON Runs (Status, Id);
        CREATE INDEX RunsThatAccepted ON Runs (ExportKey) WHERE Accepted > 0;
        CREATE INDEX RunsStillOpen ON Runs (ExportKey) WHERE CompletedAt IS NULL;

        CREATE TABLE Batches (
            RunId INTEGER NOT NULL REFERENCES Runs (Id),
            Number INTEGER NOT NULL,
            Rows INTEGER NOT NULL,
            Bytes INTEGER NOT NULL,
            State TEXT NOT NULL,
            SendingAt INTEGER,
            SentAt INTEGER,
            ActivityId TEXT,
            Attempts INTEGER NOT NULL,
            Verdict TEXT,
            Accepted INTEGER,
            OptedOut INTEGER,
            Refused INTEGER,
            Unaccounted INTEGER,
            Message TEXT,
            FinishedAt INTEGER,
            PRIMARY KEY (RunId, Number)
        ) WITHOUT ROWID;
        -- One activity is one batch's, over all runs: a claim that another holds must fail.
        CREATE UNIQUE INDEX BatchesByActivity ON Batches (ActivityId) WHERE ActivityId IS NOT NULL;

        CREATE TABLE CallPlaces (
            ApiKey TEXT NOT NULL,
            Slot INTEGER NOT NULL,
            FreeAt INTEGER NOT NULL,
            Held INTEGER NOT NULL,
            Ticket INTEGER NOT NULL,
            PRIMARY KEY (ApiKey, Slot)
        ) WITHOUT ROWID;

        CREATE TABLE CallDays (
            ApiKey TEXT NOT NULL,
            Day INTEGER NOT NULL,
            Calls INTEGER NOT NULL,
            EndedByServer INTEGER NOT NULL,
            PRIMARY KEY (ApiKey, Day)
        ) WITHOUT ROWID;

        CREATE TABLE Leases (
            Name TEXT PRIMARY KEY NOT NULL,
            OwnerId TEXT NOT NULL,
            Machine TEXT NOT NULL,
            ProcessId INTEGER NOT NULL,
            ProcessStartTicks INTEGER NOT NULL,
            Purpose TEXT NOT NULL,
            Expires INTEGER NOT NULL
        ) WITHOUT ROWID;
        """,
        """
        -- Another process asks a run to end for good; its runner looks here.
        ALTER TABLE Runs ADD COLUMN StopRequestedAt INTEGER;
        ALTER TABLE Runs ADD COLUMN AccountId TEXT;

        -- Contacts of a job that failed and are not on the list go once more, in a batch of their own: the first one counts them as moved.
        ALTER TABLE Batches ADD COLUMN Moved INTEGER;
        ALTER TABLE Batches ADD COLUMN Again INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX BatchesOnTheirWay ON Batches (RunId) WHERE State IN ('Sending', 'InDoubt');
        -- Who holds a place: one that died gives nothing back, and need not be waited for.
        ALTER TABLE CallPlaces ADD COLUMN Machine TEXT;
        ALTER TABLE CallPlaces ADD COLUMN ProcessId INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE CallPlaces ADD COLUMN ProcessStartTicks INTEGER NOT NULL DEFAULT 0;

        CREATE INDEX RunsWithSpool ON Runs (ExportKey) WHERE SpoolKey IS NOT NULL;
        """,
        """
        -- What an export had accepted on a list, in a file of its own; ExportKey is empty for runs without a name.
        CREATE TABLE Fingerprints (
            ExportKey TEXT NOT NULL,
            Account TEXT NOT NULL,
            ListId TEXT NOT NULL,
            Export TEXT NOT NULL,
            File TEXT NOT NULL,
            Key BLOB NOT NULL,
            Records INTEGER NOT NULL,
            RunId INTEGER NOT NULL,
            UpdatedAt INTEGER NOT NULL,
            LookedAt INTEGER,
            Others INTEGER,
            PRIMARY KEY (Account, ListId, ExportKey)
        ) WITHOUT ROWID;

        -- People who are never sent: their address's hash under a key that only the ring opens.
        CREATE TABLE Suppressions (
            Address BLOB PRIMARY KEY NOT NULL,
            Reason TEXT NOT NULL,
            AddedAt INTEGER NOT NULL,
            AddedBy TEXT NOT NULL,
            Note TEXT
        ) WITHOUT ROWID;

        -- The proof that a person's data was removed, without the person.
        CREATE TABLE Erasures (
            Id INTEGER PRIMARY KEY AUTOINCREMENT,
            At INTEGER NOT NULL,
            By TEXT NOT NULL,
            Address BLOB NOT NULL,
            Removed TEXT NOT NULL
        );

        CREATE TABLE Secrets (
            Name TEXT PRIMARY KEY NOT NULL,
            Value BLOB NOT NULL
        ) WITHOUT ROWID;

        -- A plan is a run that is sealed and waits for its word to go; what it saw stands here.
        ALTER TABLE Runs ADD COLUMN PlannedAt INTEGER;
        ALTER TABLE Runs ADD COLUMN Plan TEXT;
        -- People who left the list while a run stood still are held out of batches that were sealed with them.
        ALTER TABLE Batches ADD COLUMN HeldOut INTEGER;
        """,
        """
        -- Jobs of runs that are none of their batches': nobody's lost import.
        CREATE TABLE OtherJobs (
            ActivityId TEXT PRIMARY KEY NOT NULL,
            RunId INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX OtherJobsByRun ON OtherJobs (RunId);
        """,
        """
        -- What the contacts of a run were before it, in a file of its own. Without a key there is none, and Why says why.
        CREATE TABLE PreImages (
            RunId INTEGER PRIMARY KEY NOT NULL,
            CreatedAt INTEGER NOT NULL,
            File TEXT,
            Key BLOB,
            Why TEXT,
            UndoneBy INTEGER
        ) WITHOUT ROWID;
        """,
        """
        -- Keys and signatures with which a source is read, protected by the key ring.
        ALTER TABLE Sources ADD COLUMN Secrets BLOB;

        -- With which Microsoft Entra identity the exports of a connection read their segments. It goes with the connection.
        CREATE TABLE ExportUsers (
            ConnectionId TEXT PRIMARY KEY NOT NULL REFERENCES Connections (Id) ON DELETE CASCADE,
            Json TEXT NOT NULL,
            CreatedAt INTEGER NOT NULL,
            SecretsVersion INTEGER NOT NULL,
            Secrets BLOB NOT NULL
        ) WITHOUT ROWID;
        """,
        """
        -- Up to which due time an export's schedule is dealt with. It goes with the export.
        CREATE TABLE Schedules (
            ExportKey TEXT PRIMARY KEY NOT NULL REFERENCES Exports (NameKey) ON DELETE CASCADE,
            HandledAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        """,
        """
        -- How long the service took to write a list down: the next look asks no sooner. When it was looked at (LookedAt) nobody asks any more.
        ALTER TABLE Fingerprints ADD COLUMN LookTook INTEGER;
        """,
        """
        -- When somebody asked for a run by a runner, and who.
        ALTER TABLE Schedules ADD COLUMN RequestedAt INTEGER;
        ALTER TABLE Schedules ADD COLUMN RequestedBy TEXT;

        -- What of a key's day is kept for programs that do not count here, and who made the calls that are counted.
        CREATE TABLE CallKeys (
            ApiKey TEXT PRIMARY KEY NOT NULL,
            Reserved INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE CallsSpent (
            ApiKey TEXT NOT NULL,
            Day INTEGER NOT NULL,
            Spender TEXT NOT NULL,
            Machine TEXT NOT NULL,
            Calls INTEGER NOT NULL,
            PRIMARY KEY (ApiKey, Day, Spender, Machine)
        ) WITHOUT ROWID;
        """,
        """
        -- Where failures of an export are announced, protected by the key ring.
        ALTER TABLE Exports ADD COLUMN Secrets BLOB;

        -- Which of them have been since it went well last. They go with the export.
        CREATE TABLE Announcements (
            ExportKey TEXT NOT NULL REFERENCES Exports (NameKey) ON DELETE CASCADE,
            ErrorId TEXT NOT NULL,
            At INTEGER NOT NULL,
            PRIMARY KEY (ExportKey, ErrorId)
        ) WITHOUT ROWID;
        """,
        """
        -- Runs that are open, and spools that are kept, by their number: in its order, few are found among many without looking at the others.
        CREATE INDEX RunsOpenById ON Runs (Id) WHERE CompletedAt IS NULL;
        CREATE INDEX RunsWithSpoolById ON Runs (Id) WHERE SpoolKey IS NOT NULL;

        -- When something was last done that is not done each time.
        CREATE TABLE Marks (
            Name TEXT PRIMARY KEY NOT NULL,
            At INTEGER NOT NULL
        ) WITHOUT ROWID;
        """,
    ];

    /// <summary>Brings the file to the last of <paramref name="steps"/>; each step is one transaction with its own number.</summary>
    public static async Task MigrateAsync(SqliteFile file, IReadOnlyList<string> steps, TimeProvider time, CancellationToken ct)
    {
        // Looked at before anything is written: a file of a newer version, or another program's, must stay as it is.
        long version = await file.ReadAsync(c => Check(c, file.Home, steps.Count), ct).ConfigureAwait(false);
        string mode = await file.OutsideTransactionAsync(c => c.ExecuteScalar<string>("PRAGMA journal_mode=WAL")!, ct).ConfigureAwait(false);
        if (!string.Equals(mode, "wal", StringComparison.OrdinalIgnoreCase))
        {
            throw new CcException("HomeUnsuitable", CcErrorKind.Storage,
                $"The folder '{file.Home.Root}' cannot hold the store: its file system lacks shared memory.",
                $"Set the environment variable {CcHome.Variable} to a folder on a local disk.")
            { Subject = file.Home.Root };
        }
        while (version < steps.Count)
        {
            version = await file.WriteAsync(c => Advance(c, file.Home, steps, time.GetUtcNow()), ct).ConfigureAwait(false);
        }
    }

    private static long Advance(SqliteConnection connection, CcHome home, IReadOnlyList<string> steps, DateTimeOffset now)
    {
        // Another process may have made the step while we waited for the lock.
        long version = Check(connection, home, steps.Count);
        if (version < steps.Count)
        {
            connection.Execute(steps[(int)version]);
            version++;
            connection.Execute("INSERT INTO History (Step, AppliedAt) VALUES (@version, @at)", new Parameters { ["version"] = version, ["at"] = now.UtcTicks });
            connection.Execute($"PRAGMA user_version={version}");
        }
        return version;
    }

    private static long Check(SqliteConnection connection, CcHome home, int known)
    {
        long version = connection.ExecuteScalar<long>("PRAGMA user_version");
        if (version > known)
        {
            throw new CcException("StoreTooNew", CcErrorKind.Storage,
                $"The store '{home.StoreFile}' was written by a newer version of CcExport (its version is {version}, this one knows {known}).",
                "Update the CcExport module on this machine.")
            { Subject = home.StoreFile };
        }
        bool foreign = version < 0 || (version == 0 && connection.ExecuteScalar<long>("SELECT count(*) FROM sqlite_schema") > 0);
        return foreign ? throw SqliteErrors.NotAStore(home) : version;
    }
}
