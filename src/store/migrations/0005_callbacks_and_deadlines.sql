-- What is told to the outside when a task or a run has come to something: pending, done or failed.
CREATE TABLE callback_request (
    id                TEXT PRIMARY KEY,
    dag_id            TEXT NOT NULL,
    dag_run_id        TEXT NOT NULL,
    -- NULL: of the run.
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
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX callback_request_of_run ON callback_request (dag_id, dag_run_id);
CREATE INDEX callback_request_pending ON callback_request (state) WHERE state = 'pending';

-- By when a run is to have ended; neither missed nor met while it is under way.
CREATE TABLE deadline (
    dag_id        TEXT NOT NULL,
    dag_run_id    TEXT NOT NULL,
    number        INTEGER NOT NULL,
    reference     TEXT NOT NULL,
    deadline_time INTEGER NOT NULL,
    missed        INTEGER NOT NULL,
    met_at        INTEGER,
    PRIMARY KEY (dag_id, dag_run_id, number),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX deadline_open ON deadline (deadline_time) WHERE missed = 0 AND met_at IS NULL;
