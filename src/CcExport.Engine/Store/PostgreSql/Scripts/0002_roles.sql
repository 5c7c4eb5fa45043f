-- Three roles without a login of their own. A login gets what it may by GRANT ccexport_runner TO somebody.
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ccexport_administrator', 'ccexport_runner', 'ccexport_contributor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN insufficient_privilege THEN RAISE EXCEPTION USING ERRCODE = 'CC001', MESSAGE = 'roles are missing';
                -- Another database of this server was a moment earlier.
                WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON SCHEMA ccexport FROM PUBLIC;
GRANT USAGE ON SCHEMA ccexport TO ccexport_administrator, ccexport_runner, ccexport_contributor;
GRANT SELECT ON Facts, History TO ccexport_administrator, ccexport_runner, ccexport_contributor;
GRANT INSERT ON Facts TO ccexport_runner;

-- The runner: all that a run needs, and the only one that reads refresh tokens and client secrets. It makes and removes no connection.
GRANT SELECT, UPDATE ON Connections TO ccexport_runner;
GRANT SELECT, UPDATE ON ExportUsers, Sources TO ccexport_runner;
GRANT SELECT, INSERT, UPDATE, DELETE ON Keys, Exports, Schedules, Runs, Batches, OtherJobs, CallPlaces, CallDays, CallKeys, CallsSpent, Leases, Fingerprints, PreImages,
    Suppressions, Erasures, Secrets, Marks TO ccexport_runner;

-- The administrator: everything but reading those secrets. It writes them when somebody signs in.
GRANT INSERT, UPDATE, DELETE ON Connections, ExportUsers, Sources TO ccexport_administrator;
GRANT SELECT (Id, Name, NameKey, ClientId, ApiEndpoint, AuthorizationEndpoint, AccountId, Organization, ContactLimit, AllowContributor, ConsentedBy, ConsentedAt,
    ConsentTextVersion, CreatedAt, SignedOutAt, RefreshTokenIssuedAt, SecretsVersion) ON Connections TO ccexport_administrator;
GRANT SELECT (ConnectionId, Json, CreatedAt, SecretsVersion) ON ExportUsers TO ccexport_administrator;
GRANT SELECT (NameKey, Name, Json, CreatedAt, UpdatedAt) ON Sources TO ccexport_administrator;
GRANT SELECT, INSERT, UPDATE, DELETE ON Keys, Exports, Schedules, Runs, Batches, OtherJobs, CallPlaces, CallDays, CallKeys, CallsSpent, Leases, Fingerprints, PreImages,
    Suppressions, Erasures, Secrets, Marks TO ccexport_administrator;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA ccexport TO ccexport_administrator, ccexport_runner;

-- The contributor: name of shared connections, and the exports over them with their runs. Columns are a matter of GRANT, rows of the policies below.
GRANT SELECT (Id, Name, NameKey, AllowContributor) ON Connections TO ccexport_contributor;
GRANT SELECT (NameKey, Name, Json, CreatedAt, UpdatedAt) ON Sources TO ccexport_contributor;
GRANT SELECT, INSERT, UPDATE, DELETE ON Exports TO ccexport_contributor;
GRANT SELECT, INSERT (ExportKey, RequestedAt, RequestedBy), UPDATE (RequestedAt, RequestedBy) ON Schedules TO ccexport_contributor;
GRANT SELECT (Id, Export, ExportKey, ConnectionId, Connection, ListId, Status, Trigger, StartedAt, AllSealedAt, CompletedAt, Read, Invalid, Duplicate, Suppressed,
    Unchanged, Sent, Accepted, OptedOut, Refused, Unaccounted, Removed, Noted, Batches, Requests, BytesSent, Message, Definition, StopRequestedAt, AccountId, PlannedAt,
    Plan), UPDATE (StopRequestedAt) ON Runs TO ccexport_contributor;
GRANT SELECT ON Batches, Leases TO ccexport_contributor;
GRANT SELECT (RunId, CreatedAt, File, Why, UndoneBy) ON PreImages TO ccexport_contributor;

ALTER TABLE Connections ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON Connections TO ccexport_administrator, ccexport_runner USING (true) WITH CHECK (true);
CREATE POLICY shared ON Connections FOR SELECT TO ccexport_contributor USING (AllowContributor);

ALTER TABLE Exports ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON Exports TO ccexport_administrator, ccexport_runner USING (true) WITH CHECK (true);
CREATE POLICY shared ON Exports TO ccexport_contributor
    USING (ConnectionId IN (SELECT Id FROM Connections WHERE AllowContributor)) WITH CHECK (ConnectionId IN (SELECT Id FROM Connections WHERE AllowContributor));

ALTER TABLE Schedules ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON Schedules TO ccexport_administrator, ccexport_runner USING (true) WITH CHECK (true);
CREATE POLICY shared ON Schedules TO ccexport_contributor
    USING (ExportKey IN (SELECT NameKey FROM Exports)) WITH CHECK (ExportKey IN (SELECT NameKey FROM Exports));

ALTER TABLE Runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON Runs TO ccexport_administrator, ccexport_runner USING (true) WITH CHECK (true);
CREATE POLICY shared ON Runs TO ccexport_contributor
    USING (ConnectionId IN (SELECT Id FROM Connections WHERE AllowContributor)) WITH CHECK (ConnectionId IN (SELECT Id FROM Connections WHERE AllowContributor));

ALTER TABLE Batches ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON Batches TO ccexport_administrator, ccexport_runner USING (true) WITH CHECK (true);
CREATE POLICY shared ON Batches FOR SELECT TO ccexport_contributor USING (RunId IN (SELECT Id FROM Runs));

ALTER TABLE PreImages ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON PreImages TO ccexport_administrator, ccexport_runner USING (true) WITH CHECK (true);
CREATE POLICY shared ON PreImages FOR SELECT TO ccexport_contributor USING (RunId IN (SELECT Id FROM Runs));
