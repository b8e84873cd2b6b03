-- Times are whole microseconds since 1970 in UTC; what is not a plain value is JSON in a TEXT.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- ── orchestration: Airflow's words ──────────────────────────────────────────────────────────

CREATE TABLE dag (
    dag_id                TEXT PRIMARY KEY,
    is_paused             INTEGER NOT NULL,
    is_stale              INTEGER NOT NULL,
    scheduled_until       INTEGER,
    next_dagrun_run_after INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE dag_run (
    id                   INTEGER PRIMARY KEY,
    dag_id               TEXT NOT NULL,
    dag_run_id           TEXT NOT NULL,
    run_type             TEXT NOT NULL,
    state                TEXT NOT NULL,
    triggered_by         TEXT NOT NULL,
    triggering_user_name TEXT,
    logical_date         INTEGER,
    data_interval_start  INTEGER,
    data_interval_end    INTEGER,
    run_after            INTEGER NOT NULL,
    queued_at            INTEGER NOT NULL,
    start_date           INTEGER,
    end_date             INTEGER,
    conf                 TEXT NOT NULL,
    params               TEXT NOT NULL,
    dag_version          TEXT NOT NULL,
    note                 TEXT,
    UNIQUE (dag_id, dag_run_id)
) STRICT;
CREATE INDEX dag_run_newest ON dag_run (run_after, id);
CREATE INDEX dag_run_newest_of_dag ON dag_run (dag_id, run_after, id);
CREATE INDEX dag_run_newest_in_state ON dag_run (state, run_after, id);
CREATE INDEX dag_run_newest_of_dag_in_state ON dag_run (dag_id, state, run_after, id);

CREATE TABLE task_instance (
    id             INTEGER PRIMARY KEY,
    dag_id         TEXT NOT NULL,
    dag_run_id     TEXT NOT NULL,
    task_id        TEXT NOT NULL,
    map_index      INTEGER NOT NULL,
    state          TEXT,
    try_number     INTEGER NOT NULL,
    max_tries      INTEGER NOT NULL,
    operator       TEXT NOT NULL,
    pool           TEXT NOT NULL,
    token          TEXT,
    pid            INTEGER,
    scheduled_when INTEGER,
    queued_when    INTEGER,
    start_date     INTEGER,
    end_date       INTEGER,
    next_retry_at  INTEGER,
    note           TEXT,
    UNIQUE (dag_id, dag_run_id, task_id, map_index),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT;

-- One row a try, the one in flight included.
CREATE TABLE task_instance_history (
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    map_index  INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    token      TEXT NOT NULL,
    state      TEXT NOT NULL,
    start_date INTEGER,
    end_date   INTEGER,
    exit_code  INTEGER,
    error      TEXT,
    PRIMARY KEY (dag_id, dag_run_id, task_id, map_index, try_number),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE rendered_task_instance_fields (
    dag_id          TEXT NOT NULL,
    dag_run_id      TEXT NOT NULL,
    task_id         TEXT NOT NULL,
    map_index       INTEGER NOT NULL,
    try_number      INTEGER NOT NULL,
    rendered_fields TEXT NOT NULL,
    PRIMARY KEY (dag_id, dag_run_id, task_id, map_index, try_number),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE xcom (
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    map_index  INTEGER NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    PRIMARY KEY (dag_id, dag_run_id, task_id, map_index, key),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE asset_event (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    uri        TEXT NOT NULL,
    timestamp  INTEGER NOT NULL,
    source     TEXT NOT NULL,
    extra      TEXT NOT NULL,
    dedupe_key TEXT UNIQUE
) STRICT;
CREATE INDEX asset_event_of_asset ON asset_event (name, id);

CREATE TABLE asset_dag_run_queue (
    dag_id   TEXT NOT NULL,
    event_id INTEGER NOT NULL REFERENCES asset_event (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (dag_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE dagrun_asset_event (
    dag_id     TEXT NOT NULL,
    dag_run_id TEXT NOT NULL,
    event_id   INTEGER NOT NULL REFERENCES asset_event (id),
    position   INTEGER NOT NULL,
    PRIMARY KEY (dag_id, dag_run_id, event_id),
    FOREIGN KEY (dag_id, dag_run_id) REFERENCES dag_run (dag_id, dag_run_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    "when"     INTEGER NOT NULL,
    severity   TEXT NOT NULL,
    event      TEXT NOT NULL,
    dag_id     TEXT,
    dag_run_id TEXT,
    task_id    TEXT,
    owner      TEXT,
    message    TEXT NOT NULL
) STRICT;

-- ── tracking: MLflow's words ────────────────────────────────────────────────────────────────

CREATE TABLE experiments (
    experiment_id    INTEGER PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE,
    lifecycle_stage  TEXT NOT NULL DEFAULT 'active',
    last_update_time INTEGER
) STRICT;
INSERT INTO experiments (experiment_id, name) VALUES (0, 'Default');

CREATE TABLE runs (
    run_id        TEXT PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id),
    run_name      TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    status        TEXT NOT NULL,
    start_time    INTEGER NOT NULL,
    end_time      INTEGER,
    artifact_uri  TEXT NOT NULL,
    -- The launch token of the attempt that made it.
    attempt_token TEXT UNIQUE
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_newest ON runs (experiment_id, start_time DESC, run_id);

-- A NULL value is NaN, for which SQLite has no number.
CREATE TABLE metrics (
    run_id    TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    key       TEXT NOT NULL,
    value     REAL,
    timestamp INTEGER NOT NULL,
    step      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX metrics_history ON metrics (run_id, key, step, timestamp, ifnull(value, 'nan'));

CREATE TABLE latest_metrics (
    run_id    TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    key       TEXT NOT NULL,
    value     REAL,
    timestamp INTEGER NOT NULL,
    step      INTEGER NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX latest_metrics_best ON latest_metrics (key, value);

CREATE TABLE params (
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    path   TEXT NOT NULL,
    size   INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE registered_models (
    name                   TEXT PRIMARY KEY,
    creation_timestamp     INTEGER NOT NULL,
    last_updated_timestamp INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE model_versions (
    name               TEXT NOT NULL REFERENCES registered_models (name),
    version            INTEGER NOT NULL,
    run_id             TEXT REFERENCES runs (run_id),
    source             TEXT NOT NULL,
    signature          TEXT,
    creation_timestamp INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_versions_of_run ON model_versions (run_id);

CREATE TABLE registered_model_aliases (
    name    TEXT NOT NULL,
    alias   TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (name, alias),
    FOREIGN KEY (name, version) REFERENCES model_versions (name, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE registered_model_alias_history (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL,
    alias        TEXT NOT NULL,
    from_version INTEGER,
    to_version   INTEGER,
    "when"       INTEGER NOT NULL,
    user         TEXT NOT NULL,
    action       TEXT NOT NULL
) STRICT;
CREATE INDEX registered_model_alias_history_of_alias
    ON registered_model_alias_history (name, alias, id);

-- ── serving ─────────────────────────────────────────────────────────────────────────────────

-- The traffic in force: each model's versions with their percents.
CREATE TABLE serving_deployment (
    model   TEXT NOT NULL,
    version INTEGER NOT NULL,
    weight  INTEGER NOT NULL CHECK (weight BETWEEN 0 AND 100),
    PRIMARY KEY (model, version)
) STRICT, WITHOUT ROWID;
