-- A callback tells of a run, or of an asset.
CREATE TABLE callback_request_of_both (
    id                TEXT PRIMARY KEY,
    dag_id            TEXT,
    dag_run_id        TEXT,
    asset             TEXT,
    -- NULL: of the run, or of the asset.
    task_id           TEXT,
    map_index         INTEGER NOT NULL,
    try_number        INTEGER NOT NULL,
    event             TEXT NOT NULL,
    spec              TEXT NOT NULL,
    task_or_run_state TEXT NOT NULL,
    reason            TEXT,
    deadline          INTEGER,
    state             TEXT NOT NULL,
    tries             INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    ended_at          INTEGER,
    output            TEXT,
    error             TEXT,
    CHECK ((dag_id IS NULL) = (dag_run_id IS NULL) AND (dag_id IS NULL) <> (asset IS NULL)),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT;
INSERT INTO callback_request_of_both (id, dag_id, dag_run_id, task_id, map_index, try_number, event,
        spec, task_or_run_state, reason, deadline, state, tries, created_at, ended_at, output, error)
    SELECT id, dag_id, dag_run_id, task_id, map_index, try_number, event, spec, task_or_run_state,
        reason, deadline, state, tries, created_at, ended_at, output, error
    FROM callback_request ORDER BY rowid;
DROP TABLE callback_request;
ALTER TABLE callback_request_of_both RENAME TO callback_request;
CREATE INDEX callback_request_of_run ON callback_request (dag_id, dag_run_id);
CREATE INDEX callback_request_of_asset ON callback_request (asset) WHERE asset IS NOT NULL;
CREATE INDEX callback_request_pending ON callback_request (state) WHERE state = 'pending';
