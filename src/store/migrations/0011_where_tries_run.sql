-- Where a try runs or ran, and why somebody else than who launched it saw to it; NULL of what ran
-- before that was kept.
ALTER TABLE task_instance ADD COLUMN executor TEXT;
ALTER TABLE task_instance ADD COLUMN hostname TEXT;
ALTER TABLE task_instance ADD COLUMN external_executor_id TEXT;
ALTER TABLE task_instance ADD COLUMN adopted TEXT;
ALTER TABLE task_instance_history ADD COLUMN pid INTEGER;
ALTER TABLE task_instance_history ADD COLUMN executor TEXT;
ALTER TABLE task_instance_history ADD COLUMN hostname TEXT;
ALTER TABLE task_instance_history ADD COLUMN external_executor_id TEXT;
ALTER TABLE task_instance_history ADD COLUMN adopted TEXT;
