-- An output that is long lies in a file below the run's folder; its row says where (a path below
-- `.dagdeck`), and what must be in it. `length`: of a list or a table.
ALTER TABLE xcom ADD COLUMN path TEXT;
ALTER TABLE xcom ADD COLUMN size INTEGER;
ALTER TABLE xcom ADD COLUMN sha256 TEXT;
ALTER TABLE xcom ADD COLUMN length INTEGER;

-- Templates ask for the run before this one.
CREATE INDEX dag_run_of_dag_by_logical_date ON dag_run (dag_id, logical_date);
