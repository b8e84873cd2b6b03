-- What is to be told as OpenLineage, in order: a start or an end, of a run (no task) or of a try.
-- Triggers on the daemon's own connection write it along with the change, and only while somebody
-- is told.
CREATE TABLE openlineage_outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    event_type TEXT NOT NULL,
    event_time INTEGER NOT NULL,
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL,
    task_id    TEXT,
    map_index  INTEGER NOT NULL,
    try_number INTEGER NOT NULL
) STRICT;

-- What other programs tell, each event once. Of a job or a data set without a run, run_id is ''.
CREATE TABLE openlineage_event (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at   INTEGER NOT NULL,
    event_time    INTEGER NOT NULL,
    event_type    TEXT NOT NULL,
    run_id        TEXT NOT NULL,
    job_namespace TEXT NOT NULL,
    job_name      TEXT NOT NULL,
    event         TEXT NOT NULL,
    UNIQUE (run_id, event_type, event_time, job_namespace, job_name)
) STRICT;
CREATE INDEX openlineage_event_received ON openlineage_event (received_at);
