-- What is wrong with served versions, while it is: told once, and again when it is over.
CREATE TABLE serving_trouble (
    model       TEXT NOT NULL,
    version     INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    -- Of drift; else empty.
    column_name TEXT NOT NULL,
    text        TEXT NOT NULL,
    since       INTEGER NOT NULL,
    told_at     INTEGER NOT NULL,
    PRIMARY KEY (model, version, kind, column_name)
) STRICT, WITHOUT ROWID;

-- A callback is of a run, of an asset, or of a served version of a model.
CREATE TABLE callback_request_of_all (
    id                TEXT PRIMARY KEY,
    dag_id            TEXT,
    dag_run_id        TEXT,
    asset             TEXT,
    model             TEXT,
    model_version     INTEGER,
    -- NULL: of the run, of the asset, or of the version.
    task_id           TEXT,
    map_index         INTEGER NOT NULL,
    try_number        INTEGER NOT NULL,
    event             TEXT NOT NULL,
    spec              TEXT NOT NULL,
    task_or_run_state TEXT NOT NULL,
    reason            TEXT,
    details           TEXT,
    deadline          INTEGER,
    state             TEXT NOT NULL,
    tries             INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    ended_at          INTEGER,
    output            TEXT,
    error             TEXT,
    CHECK ((dag_id IS NULL) = (dag_run_id IS NULL) AND (model IS NULL) = (model_version IS NULL)
        AND (dag_id IS NOT NULL) + (asset IS NOT NULL) + (model IS NOT NULL) = 1),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT;
INSERT INTO callback_request_of_all (id, dag_id, dag_run_id, asset, task_id, map_index, try_number,
        event, spec, task_or_run_state, reason, deadline, state, tries, created_at, ended_at, output,
        error)
    SELECT id, dag_id, dag_run_id, asset, task_id, map_index, try_number, event, spec,
        task_or_run_state, reason, deadline, state, tries, created_at, ended_at, output, error
    FROM callback_request ORDER BY rowid;
DROP TABLE callback_request;
ALTER TABLE callback_request_of_all RENAME TO callback_request;
CREATE INDEX callback_request_of_run ON callback_request (dag_id, dag_run_id);
CREATE INDEX callback_request_of_asset ON callback_request (asset) WHERE asset IS NOT NULL;
CREATE INDEX callback_request_of_model ON callback_request (model) WHERE model IS NOT NULL;
CREATE INDEX callback_request_pending ON callback_request (state) WHERE state = 'pending';
