-- What an attempt read and wrote, as one JSON table (inputs, outputs).
CREATE TABLE task_io (
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    map_index  INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    observed   TEXT NOT NULL,
    PRIMARY KEY (dag_id, dag_run_id, task_id, map_index, try_number),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The history of data quality: what each expectation came to in each attempt.
CREATE TABLE check_result (
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    map_index  INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    timestamp  INTEGER NOT NULL,
    result     TEXT NOT NULL,
    PRIMARY KEY (dag_id, dag_run_id, task_id, map_index, try_number, number),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX check_result_of_task_by_timestamp ON check_result (dag_id, task_id, timestamp);
