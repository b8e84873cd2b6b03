-- What a deferred task instance waits for (JSON, without secrets), and until when.
ALTER TABLE task_instance ADD COLUMN trigger TEXT;
ALTER TABLE task_instance ADD COLUMN trigger_timeout INTEGER;

-- What people are asked: one row a try that asks. The answer is NULL until it is given.
CREATE TABLE hitl_detail (
    dag_id         TEXT NOT NULL,
    dag_run_id     TEXT NOT NULL,
    task_id        TEXT NOT NULL,
    map_index      INTEGER NOT NULL,
    try_number     INTEGER NOT NULL,
    subject        TEXT NOT NULL,
    body           TEXT,
    options        TEXT NOT NULL,
    defaults       TEXT,
    multiple       INTEGER NOT NULL,
    params         TEXT NOT NULL,
    assignees      TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    timeout_at     INTEGER,
    response       TEXT,
    PRIMARY KEY (dag_id, dag_run_id, task_id, map_index, try_number),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX hitl_detail_newest ON hitl_detail (created_at);

-- Which run an attempt has brought about, by the attempt's token.
CREATE TABLE triggered_dag_run (
    token      TEXT PRIMARY KEY,
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL,
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX dag_run_of_logical_date ON dag_run (dag_id, logical_date);
CREATE INDEX triggered_dag_run_of_run ON triggered_dag_run (dag_id, dag_run_id);
