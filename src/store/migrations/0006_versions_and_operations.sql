-- The definitions that were in force, a row for each that differs from the one before. The small
-- columns come first: lists do not read what a definition spills over.
CREATE TABLE dag_version (
    id             INTEGER PRIMARY KEY,
    dag_id         TEXT NOT NULL,
    version_number INTEGER NOT NULL,
    dag_version    TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    fileloc        TEXT NOT NULL,
    line           INTEGER NOT NULL,
    source         TEXT NOT NULL,
    definition     TEXT NOT NULL,
    UNIQUE (dag_id, version_number)
) STRICT;

-- 0: made before versions were counted.
ALTER TABLE dag_run ADD COLUMN dag_version_number INTEGER NOT NULL DEFAULT 0;

-- What people wrote on a task instance; `note` is what the scheduler says of it.
ALTER TABLE task_instance ADD COLUMN user_note TEXT;

-- What people did to runs: the audit, and what it takes to undo it. The images are NULL where it
-- cannot be undone, or was.
CREATE TABLE operation (
    id          INTEGER PRIMARY KEY,
    "when"      INTEGER NOT NULL,
    owner       TEXT,
    kind        TEXT NOT NULL,
    description TEXT NOT NULL,
    wish        TEXT NOT NULL,
    final_since TEXT,
    undone_by   INTEGER,
    images      TEXT
) STRICT;

-- Outputs that an operation took away, to be given back where it is undone.
CREATE TABLE operation_xcom (
    operation_id INTEGER NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    dag_id       TEXT NOT NULL,
    dag_run_id   TEXT NOT NULL,
    task_id      TEXT NOT NULL,
    map_index    INTEGER NOT NULL,
    key          TEXT NOT NULL,
    value        TEXT NOT NULL,
    path         TEXT,
    size         INTEGER,
    sha256       TEXT,
    length       INTEGER,
    PRIMARY KEY (operation_id, dag_id, dag_run_id, task_id, map_index, key)
) STRICT, WITHOUT ROWID;

-- Runs that were deleted and whose folders are still to be removed.
CREATE TABLE dag_run_removal (
    name       TEXT PRIMARY KEY,
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
