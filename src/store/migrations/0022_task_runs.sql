-- The tracked run that stands for a task instance: what its script makes with MLflow's client hangs
-- under it, of all tries.
CREATE TABLE task_run (
    experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id) ON DELETE CASCADE,
    dag_id        TEXT NOT NULL,
    dag_run_id    TEXT NOT NULL,
    task_id       TEXT NOT NULL,
    map_index     INTEGER NOT NULL,
    run_id        TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    PRIMARY KEY (experiment_id, dag_id, dag_run_id, task_id, map_index)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX task_run_by_run ON task_run (run_id);
CREATE INDEX logged_models_deleted ON logged_models (deleted_time) WHERE deleted_time IS NOT NULL;
