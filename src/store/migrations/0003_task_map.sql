-- How long the parts of an output are that other tasks are mapped over: a JSON object of lengths
-- by path. Of an instance of a mapped task a row says only that it left an output.
CREATE TABLE task_map (
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    map_index  INTEGER NOT NULL,
    lengths    TEXT NOT NULL,
    PRIMARY KEY (dag_id, dag_run_id, task_id, map_index),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
