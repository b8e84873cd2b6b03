-- What operators set at run time beside `dags.toml`, figures that lists need without counting,
-- and what retention remembers.

-- ── set at run time: Airflow's words; secrets stand here as `${env:NAME}` or `${file:path}` ──

CREATE TABLE variable (
    key         TEXT PRIMARY KEY,
    val         TEXT NOT NULL,
    description TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE connection (
    conn_id     TEXT PRIMARY KEY,
    url         TEXT NOT NULL,
    extra       TEXT NOT NULL,
    description TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE slot_pool (
    pool        TEXT PRIMARY KEY,
    slots       INTEGER NOT NULL,
    description TEXT
) STRICT, WITHOUT ROWID;

-- ── counts that would otherwise be taken over the whole history ─────────────────────────────

CREATE TABLE dag_run_count (
    dag_id TEXT NOT NULL,
    state  TEXT NOT NULL,
    runs   INTEGER NOT NULL,
    PRIMARY KEY (dag_id, state)
) STRICT, WITHOUT ROWID;
INSERT INTO dag_run_count SELECT dag_id, state, count(*) FROM dag_run GROUP BY dag_id, state;

CREATE TRIGGER dag_run_counted_in AFTER INSERT ON dag_run BEGIN
    INSERT INTO dag_run_count (dag_id, state, runs) VALUES (new.dag_id, new.state, 1)
        ON CONFLICT (dag_id, state) DO UPDATE SET runs = runs + 1;
END;
CREATE TRIGGER dag_run_counted_over AFTER UPDATE OF state ON dag_run WHEN new.state <> old.state
BEGIN
    UPDATE dag_run_count SET runs = runs - 1 WHERE dag_id = old.dag_id AND state = old.state;
    INSERT INTO dag_run_count (dag_id, state, runs) VALUES (new.dag_id, new.state, 1)
        ON CONFLICT (dag_id, state) DO UPDATE SET runs = runs + 1;
END;
CREATE TRIGGER dag_run_counted_out AFTER DELETE ON dag_run BEGIN
    UPDATE dag_run_count SET runs = runs - 1 WHERE dag_id = old.dag_id AND state = old.state;
END;

CREATE TABLE asset_event_count (
    name   TEXT PRIMARY KEY,
    events INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO asset_event_count SELECT name, count(*) FROM asset_event GROUP BY name;

CREATE TRIGGER asset_event_counted_in AFTER INSERT ON asset_event BEGIN
    INSERT INTO asset_event_count (name, events) VALUES (new.name, 1)
        ON CONFLICT (name) DO UPDATE SET events = events + 1;
END;
CREATE TRIGGER asset_event_counted_out AFTER DELETE ON asset_event BEGIN
    UPDATE asset_event_count SET events = events - 1 WHERE name = old.name;
END;

-- ── pages of task instances across runs, newest first ───────────────────────────────────────

CREATE INDEX task_instance_of_dag ON task_instance (dag_id, id);
CREATE INDEX task_instance_of_task ON task_instance (dag_id, task_id, id);
CREATE INDEX task_instance_in_pool ON task_instance (pool, id);
CREATE INDEX task_instance_of_operator ON task_instance (operator, id);
-- Nearly all end in success: those are found without an index, and leave these small.
CREATE INDEX task_instance_in_state ON task_instance (state, id) WHERE state IS NOT 'success';
CREATE INDEX task_instance_of_dag_in_state ON task_instance (dag_id, state, id)
    WHERE state IS NOT 'success';

-- ── retention ───────────────────────────────────────────────────────────────────────────────

-- When the run's logs were deleted; NULL where they are there.
ALTER TABLE dag_run ADD COLUMN logs_pruned_at INTEGER;
CREATE TRIGGER dag_run_has_logs_again AFTER UPDATE OF end_date ON dag_run
    WHEN new.logs_pruned_at IS NOT NULL AND new.end_date IS NOT old.end_date
BEGIN
    UPDATE dag_run SET logs_pruned_at = NULL WHERE id = new.id;
END;
CREATE INDEX dag_run_ended ON dag_run (end_date) WHERE end_date IS NOT NULL;
CREATE INDEX dag_run_with_logs ON dag_run (end_date)
    WHERE end_date IS NOT NULL AND logs_pruned_at IS NULL;

-- Whoever deletes an asset event asks these.
CREATE INDEX asset_dag_run_queue_of_event ON asset_dag_run_queue (event_id);
CREATE INDEX dagrun_asset_event_of_event ON dagrun_asset_event (event_id);

-- Folders whose rows are gone, until they are gone too: of a run, or of a tracked run's artifacts.
CREATE TABLE deleted_folder (
    id           INTEGER PRIMARY KEY,
    dag_id       TEXT,
    dag_run_id   TEXT,
    artifact_uri TEXT
) STRICT;
