-- What MLflow's clients keep of experiments and runs beside what pipelines do.
ALTER TABLE experiments ADD COLUMN artifact_location TEXT;
ALTER TABLE experiments ADD COLUMN creation_time INTEGER;
ALTER TABLE experiments ADD COLUMN deleted_time INTEGER;
UPDATE experiments SET creation_time = ifnull(
    (SELECT min(start_time) FROM runs WHERE runs.experiment_id = experiments.experiment_id),
    unixepoch() * 1000000);

CREATE TABLE experiment_tags (
    experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id) ON DELETE CASCADE,
    key           TEXT NOT NULL,
    value         TEXT NOT NULL,
    PRIMARY KEY (experiment_id, key)
) STRICT, WITHOUT ROWID;

ALTER TABLE runs ADD COLUMN lifecycle_stage TEXT NOT NULL DEFAULT 'active';
ALTER TABLE runs ADD COLUMN deleted_time INTEGER;

-- What a client told that its run learnt from, in MLflow's own shape (dataset, tags); what
-- pipelines learnt from is in run_input.
CREATE TABLE dataset_input (
    run_id  TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    digest  TEXT NOT NULL,
    context TEXT,
    input   TEXT NOT NULL,
    PRIMARY KEY (run_id, name, digest)
) STRICT, WITHOUT ROWID;

-- Both, as they are searched by.
CREATE VIEW run_dataset AS
    SELECT run_id, name, digest, context FROM dataset_input
    UNION ALL SELECT run_id, name, digest, 'training' FROM run_input;

-- Logged models that a run used ('input') or made ('output').
CREATE TABLE run_model (
    run_id    TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    direction TEXT NOT NULL,
    model_id  TEXT NOT NULL,
    step      INTEGER NOT NULL,
    PRIMARY KEY (run_id, direction, model_id)
) STRICT, WITHOUT ROWID;

-- Points of metrics that say which logged model they are of, and on which data.
CREATE TABLE model_metrics (
    model_id       TEXT NOT NULL,
    run_id         TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    key            TEXT NOT NULL,
    timestamp      INTEGER NOT NULL,
    step           INTEGER NOT NULL,
    value          REAL,
    dataset_name   TEXT,
    dataset_digest TEXT,
    PRIMARY KEY (model_id, key, timestamp, step, run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_metrics_of_run ON model_metrics (run_id);

-- Files that came over MLflow's artifact proxy and belong to no run: their paths below the folder
-- of artifacts.
CREATE TABLE artifact_file (
    path   TEXT PRIMARY KEY,
    size   INTEGER NOT NULL,
    sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID;
