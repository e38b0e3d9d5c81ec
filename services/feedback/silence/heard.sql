-- One file, made anew whenever this text changes. `key`: the sample id that frame and model have in the collection.
CREATE TABLE positions (              -- how far each partition was read, and the latest log time in it
    stream TEXT, part INTEGER, next INTEGER, last INTEGER, mark TEXT, time_ms INTEGER,
    PRIMARY KEY (stream, part)) WITHOUT ROWID;
CREATE TABLE held (                   -- of each held prediction the first exposure: where it lies, until when an objection counts
    key TEXT PRIMARY KEY, until_ms INTEGER, part INTEGER, place INTEGER, settled INTEGER) WITHOUT ROWID;
CREATE INDEX held_open ON held (until_ms, key) WHERE NOT settled;
CREATE TABLE exposed (                -- the first time that each caller told of
    key TEXT, caller TEXT, at_ms INTEGER, until_ms INTEGER, PRIMARY KEY (key, caller)) WITHOUT ROWID;
CREATE TABLE said (                   -- persons' verdicts, and affirmations
    row INTEGER PRIMARY KEY, verdict_id TEXT, key TEXT, at_ms INTEGER, kind TEXT, detection_index INTEGER,
    exhaustive INTEGER, caller TEXT, reviewer TEXT, UNIQUE (verdict_id, key));
CREATE INDEX said_key ON said (key, at_ms);
CREATE INDEX said_audit ON said (key) WHERE exhaustive AND kind IN ('rejected', 'missed', 'corrected');
CREATE TABLE drawn (key TEXT PRIMARY KEY, at_ms INTEGER) WITHOUT ROWID;
