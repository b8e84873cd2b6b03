-- What a job read and wrote, once for each data set, as it was last seen: what the lineage is
-- drawn from. It outlives the runs that it was seen in.
CREATE TABLE lineage_link (
    -- 'task': a task here (DAG, task); 'foreign': a job elsewhere (namespace, name)
    job_kind      TEXT NOT NULL,
    job_namespace TEXT NOT NULL,
    job_name      TEXT NOT NULL,
    direction     TEXT NOT NULL,
    namespace     TEXT NOT NULL,
    name          TEXT NOT NULL,
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    run           TEXT,
    source        TEXT,
    dataset       TEXT NOT NULL,
    PRIMARY KEY (job_kind, job_namespace, job_name, direction, namespace, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX lineage_link_by_last_seen ON lineage_link (last_seen);
CREATE INDEX lineage_link_of_dataset ON lineage_link (namespace, name);

-- Which attempts read and wrote a data set, to be found by it.
CREATE TABLE task_dataset (
    namespace  TEXT NOT NULL,
    name       TEXT NOT NULL,
    direction  TEXT NOT NULL,
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    map_index  INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    seen       INTEGER NOT NULL,
    PRIMARY KEY (namespace, name, direction, dag_id, dag_run_id, task_id, map_index, try_number),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX task_dataset_of_task ON task_dataset (dag_id, dag_run_id, task_id, map_index);

-- What a tracked run learnt from, as MLflow's inputs: the data set with its digest and schema, and
-- the events of assets that had made it what it was.
CREATE TABLE run_input (
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    digest TEXT NOT NULL,
    input  TEXT NOT NULL,
    PRIMARY KEY (run_id, name, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_input_of_digest ON run_input (digest);

-- What was seen before there was a lineage: each attempt in the order in which its run began.
CREATE TEMP TABLE seen_before AS
    SELECT t.dag_id, t.dag_run_id, t.task_id, t.map_index, t.try_number, 'read' AS direction,
           d.value AS dataset, ifnull(r.start_date, r.run_after) AS seen
    FROM task_io AS t JOIN dag_run AS r USING (dag_id, dag_run_id),
         json_each(t.observed, '$.inputs') AS d
    UNION ALL
    SELECT t.dag_id, t.dag_run_id, t.task_id, t.map_index, t.try_number, 'wrote',
           d.value, ifnull(r.start_date, r.run_after)
    FROM task_io AS t JOIN dag_run AS r USING (dag_id, dag_run_id),
         json_each(t.observed, '$.outputs') AS d;
INSERT OR REPLACE INTO task_dataset
    SELECT dataset ->> '$.namespace', dataset ->> '$.name', direction, dag_id, dag_run_id, task_id,
           map_index, try_number, seen
    FROM seen_before;
INSERT INTO lineage_link
    SELECT 'task', dag_id, task_id, direction, dataset ->> '$.namespace', dataset ->> '$.name',
           seen, seen, dag_run_id, NULL, dataset
    FROM seen_before WHERE true ORDER BY seen
    ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen, run = excluded.run,
        dataset = excluded.dataset;
DROP TABLE seen_before;
INSERT INTO lineage_link
    SELECT 'task', source ->> '$.dag_id', source ->> '$.task_id', 'wrote', 'asset', name,
           min(timestamp), max(timestamp), source ->> '$.dag_run_id', NULL,
           json_object('namespace', 'asset', 'name', name)
    FROM asset_event WHERE source ->> '$.kind' = 'task'
    GROUP BY source ->> '$.dag_id', source ->> '$.task_id', name;
