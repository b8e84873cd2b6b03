-- What MLflow's clients keep of experiments and runs beside what pipelines do.
ALTER TABLE experiments ADD COLUMN artifact_location TEXT;
ALTER TABLE experiments ADD COLUMN creation_time INTEGER;
ALTER TABLE experiments ADD COLUMN deleted_time INTEGER;

CREATE TABLE experiment_tags (
    experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id) ON DELETE CASCADE,
    key           TEXT NOT NULL,
    value         TEXT NOT NULL,
    PRIMARY KEY (experiment_id, key)
) STRICT, WITHOUT ROWID;

ALTER TABLE runs ADD COLUMN lifecycle_stage TEXT NOT NULL DEFAULT 'active';
ALTER TABLE runs ADD COLUMN deleted_time INTEGER;
