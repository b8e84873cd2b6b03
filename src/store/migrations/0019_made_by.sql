-- The launch token of the attempt whose script made a run with MLflow's client; it may make many.
ALTER TABLE runs ADD COLUMN made_by TEXT;
CREATE INDEX runs_made_by ON runs (made_by) WHERE made_by IS NOT NULL;
-- What is to go for good once it has been deleted for long enough.
CREATE INDEX runs_deleted ON runs (deleted_time) WHERE deleted_time IS NOT NULL;
