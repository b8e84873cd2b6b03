-- Runs under a run: the trials of a search are counted each time that a list shows it.
CREATE INDEX tags_parent ON tags (value, run_id) WHERE key = 'mlflow.parentRunId';
