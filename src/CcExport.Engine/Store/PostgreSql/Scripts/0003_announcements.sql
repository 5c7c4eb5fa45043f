-- Where failures of an export are announced, protected by the key ring, which is nothing to a contributor.
ALTER TABLE Exports ADD COLUMN Secrets bytea;

-- Which of them have been since it went well last. They go with the export.
CREATE TABLE Announcements (
    ExportKey text COLLATE "C" NOT NULL REFERENCES Exports (NameKey) ON DELETE CASCADE,
    ErrorId text NOT NULL,
    At timestamptz NOT NULL,
    PRIMARY KEY (ExportKey, ErrorId)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON Announcements TO ccexport_runner, ccexport_administrator;
GRANT SELECT, DELETE ON Announcements TO ccexport_contributor;

ALTER TABLE Announcements ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON Announcements TO ccexport_administrator, ccexport_runner USING (true) WITH CHECK (true);
CREATE POLICY shared ON Announcements TO ccexport_contributor USING (ExportKey IN (SELECT NameKey FROM Exports));
