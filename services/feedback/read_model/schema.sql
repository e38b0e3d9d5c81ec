-- One file, made anew whenever this text changes. Names, model versions and sets of names are numbers (`names`).
CREATE TABLE positions (              -- how far each partition was read; `last` is the record that was read last, `mark` its hash
    stream TEXT, part INTEGER, next INTEGER, last INTEGER, mark TEXT, passed_over INTEGER,
    PRIMARY KEY (stream, part)) WITHOUT ROWID;
CREATE TABLE names (id INTEGER PRIMARY KEY, kind TEXT, name TEXT, UNIQUE (kind, name));
CREATE TABLE members (                -- what is in a set of names: the classes that a prediction shows, the strategies that drew it
    kind TEXT, member TEXT, id INTEGER, PRIMARY KEY (kind, member, id)) WITHOUT ROWID;
CREATE INDEX members_id ON members (id, member);

CREATE TABLE samples (
    row INTEGER PRIMARY KEY, sample_id TEXT UNIQUE, rank INTEGER, frame_id TEXT, prediction_id TEXT, time_ms INTEGER,
    collection INTEGER, source INTEGER, version INTEGER, strategies INTEGER, classes INTEGER, missing INTEGER,
    judged INTEGER, upload INTEGER, has_image INTEGER, bytes INTEGER,
    audit REAL, probability REAL, floor_probability REAL, on_floor INTEGER, lacks TEXT, shown TEXT); -- `shown`: boxes per class, as JSON
CREATE INDEX samples_newest ON samples (time_ms, sample_id, collection, source, version, strategies, classes, missing, judged, upload, has_image);
CREATE INDEX samples_audit ON samples (audit, sample_id, collection, source, version, strategies, classes, missing, judged, upload, has_image, time_ms)
    WHERE audit IS NOT NULL;
CREATE INDEX samples_reviews ON samples (version, collection, time_ms, source) WHERE audit IS NOT NULL;
CREATE INDEX samples_frame ON samples (frame_id, version);
CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER UNIQUE);
CREATE TABLE flow (rank INTEGER, missing INTEGER, upload INTEGER, source INTEGER, samples INTEGER DEFAULT 0, bytes INTEGER DEFAULT 0,
    PRIMARY KEY (rank, missing, upload, source)) WITHOUT ROWID;
CREATE TRIGGER samples_came AFTER INSERT ON samples BEGIN
    INSERT OR REPLACE INTO changes (row) VALUES (new.row);
    INSERT OR IGNORE INTO flow (rank, missing, upload, source) VALUES (new.rank, new.missing, new.upload, new.source);
    UPDATE flow SET samples = samples + 1, bytes = bytes + new.bytes
        WHERE rank = new.rank AND missing = new.missing AND upload = new.upload AND source = new.source;
END;
CREATE TRIGGER samples_went AFTER DELETE ON samples BEGIN
    UPDATE flow SET samples = samples - 1, bytes = bytes - old.bytes
        WHERE rank = old.rank AND missing = old.missing AND upload = old.upload AND source = old.source;
END;
CREATE TRIGGER samples_changed AFTER UPDATE OF judged, upload, has_image ON samples BEGIN
    INSERT OR REPLACE INTO changes (row) VALUES (new.row);
    UPDATE flow SET samples = samples - 1, bytes = bytes - old.bytes
        WHERE rank = old.rank AND missing = old.missing AND upload = old.upload AND source = old.source;
    INSERT OR IGNORE INTO flow (rank, missing, upload, source) VALUES (new.rank, new.missing, new.upload, new.source);
    UPDATE flow SET samples = samples + 1, bytes = bytes + new.bytes
        WHERE rank = new.rank AND missing = new.missing AND upload = new.upload AND source = new.source;
END;
CREATE TABLE made (id TEXT);          -- tells this file from the one before it
INSERT INTO made VALUES (lower(hex(randomblob(16))));
CREATE TABLE bodies (                 -- what never changes of an answer about a sample, and how its draw was decided, as JSON
    row INTEGER PRIMARY KEY, body BLOB, decided TEXT);
CREATE TABLE images (sample_id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID;
CREATE TABLE revisions (              -- what each verdict did to an annotation
    verdict_id TEXT PRIMARY KEY, effect TEXT) WITHOUT ROWID;
CREATE TABLE deliveries (             -- `promised`: 0 while only a receipt is known, else the rank of the sample that names it
    sample_id TEXT, revision TEXT, destination TEXT, promised INTEGER, has_image INTEGER, source INTEGER,
    outcome TEXT DEFAULT '', host_id TEXT, detail TEXT, attempts INTEGER, delivered_at TEXT,
    PRIMARY KEY (sample_id, revision, destination)) WITHOUT ROWID;
-- NOT EXISTS: the conflict clause of whatever fires a trigger would overrule the trigger's own.
CREATE TABLE ledger (outcome TEXT, has_image INTEGER, source INTEGER, deliveries INTEGER DEFAULT 0,
    PRIMARY KEY (outcome, has_image, source)) WITHOUT ROWID;
CREATE TRIGGER deliveries_came AFTER INSERT ON deliveries WHEN new.promised BEGIN
    INSERT INTO ledger (outcome, has_image, source) SELECT new.outcome, new.has_image, new.source WHERE NOT EXISTS (
        SELECT 1 FROM ledger WHERE outcome = new.outcome AND has_image = new.has_image AND source = new.source);
    UPDATE ledger SET deliveries = deliveries + 1
        WHERE outcome = new.outcome AND has_image = new.has_image AND source = new.source;
END;
CREATE TRIGGER deliveries_changed AFTER UPDATE ON deliveries BEGIN
    UPDATE ledger SET deliveries = deliveries - 1
        WHERE old.promised AND outcome = old.outcome AND has_image = old.has_image AND source = old.source;
    INSERT INTO ledger (outcome, has_image, source) SELECT new.outcome, new.has_image, new.source
        WHERE new.promised AND NOT EXISTS (
        SELECT 1 FROM ledger WHERE outcome = new.outcome AND has_image = new.has_image AND source = new.source);
    UPDATE ledger SET deliveries = deliveries + 1
        WHERE new.promised AND outcome = new.outcome AND has_image = new.has_image AND source = new.source;
END;

CREATE TABLE verdicts (               -- `standing`: no later one supersedes it; `agreed`: with the one that did, another person's
    row INTEGER PRIMARY KEY, verdict_id TEXT UNIQUE, time_ms INTEGER, frame_id TEXT, version INTEGER, source INTEGER,
    prediction_id TEXT, kind TEXT, detection_index INTEGER, person TEXT, standing INTEGER, agreed INTEGER);
CREATE INDEX verdicts_frame ON verdicts (frame_id, version);
CREATE INDEX verdicts_standing ON verdicts (frame_id, version) WHERE (standing OR kind = 'affirmed');
CREATE INDEX verdicts_time ON verdicts (time_ms, verdict_id, source, kind, person);
CREATE INDEX verdicts_person ON verdicts (person, time_ms, verdict_id, source, kind);
CREATE INDEX verdicts_people ON verdicts (person, kind, agreed, source, time_ms);
CREATE INDEX verdicts_prediction ON verdicts (prediction_id);
CREATE TABLE verdict_bodies (row INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE outcomes (frame_id TEXT, version INTEGER, body TEXT, PRIMARY KEY (frame_id, version)) WITHOUT ROWID;
CREATE TABLE exposures (
    exposure_id TEXT PRIMARY KEY, frame_id TEXT, version INTEGER, time_ms INTEGER, body TEXT) WITHOUT ROWID;
CREATE INDEX exposures_frame ON exposures (frame_id, version);

CREATE TABLE blocks (                 -- of each block the tally that reaches furthest; its body while it may still be needed
    part INTEGER, block INTEGER, up_to INTEGER, repeated INTEGER, late INTEGER, body BLOB,
    PRIMARY KEY (part, block)) WITHOUT ROWID;
CREATE INDEX blocks_bodies ON blocks (part, block) WHERE body IS NOT NULL;
CREATE TABLE counted (                -- frames, summed over minutes, hours and days (`span_ms`); source 0: all of them
    span_ms INTEGER, version INTEGER, source INTEGER, at_ms INTEGER, frames INTEGER, frames_without INTEGER,
    PRIMARY KEY (span_ms, version, source, at_ms)) WITHOUT ROWID;
CREATE TABLE boxes (                  -- detections shown, likewise
    span_ms INTEGER, version INTEGER, source INTEGER, at_ms INTEGER, class INTEGER, detections INTEGER,
    PRIMARY KEY (span_ms, version, source, at_ms, class)) WITHOUT ROWID;
CREATE TABLE thresholds (version INTEGER, source INTEGER, threshold TEXT, first_ms INTEGER, last_ms INTEGER,
    PRIMARY KEY (version, source, threshold)) WITHOUT ROWID;
