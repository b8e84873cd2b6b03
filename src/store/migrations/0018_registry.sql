-- What MLflow's clients keep of models, versions and logged models beside what pipelines register.

ALTER TABLE registered_models ADD COLUMN description TEXT;
-- The greatest number that was given: one that is deleted is not given again.
ALTER TABLE registered_models ADD COLUMN last_version INTEGER NOT NULL DEFAULT 0;
UPDATE registered_models SET last_version =
    (SELECT ifnull(max(version), 0) FROM model_versions AS v WHERE v.name = registered_models.name);

CREATE TABLE registered_model_tags (
    name  TEXT NOT NULL REFERENCES registered_models (name) ON UPDATE CASCADE ON DELETE CASCADE,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID;

-- A version follows its model's name, and may come of a run that is kept elsewhere.
CREATE TABLE model_versions_of_all (
    name                   TEXT NOT NULL
        REFERENCES registered_models (name) ON UPDATE CASCADE ON DELETE CASCADE,
    version                INTEGER NOT NULL,
    run_id                 TEXT,
    source                 TEXT NOT NULL,
    signature              TEXT,
    creation_timestamp     INTEGER NOT NULL,
    last_updated_timestamp INTEGER NOT NULL,
    description            TEXT,
    current_stage          TEXT NOT NULL DEFAULT 'None',
    status                 TEXT NOT NULL DEFAULT 'READY',
    status_message         TEXT,
    run_link               TEXT,
    user_id                TEXT,
    model_id               TEXT,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
INSERT INTO model_versions_of_all (name, version, run_id, source, signature, creation_timestamp,
        last_updated_timestamp, user_id)
    SELECT v.name, v.version, v.run_id, v.source, v.signature, v.creation_timestamp,
        v.creation_timestamp, (SELECT user_id FROM runs AS r WHERE r.run_id = v.run_id)
    FROM model_versions AS v;

CREATE TABLE registered_model_aliases_of_all (
    name    TEXT NOT NULL,
    alias   TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (name, alias),
    FOREIGN KEY (name, version) REFERENCES model_versions_of_all (name, version)
        ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO registered_model_aliases_of_all SELECT name, alias, version FROM registered_model_aliases;

DROP TABLE registered_model_aliases;
DROP TABLE model_versions;
ALTER TABLE model_versions_of_all RENAME TO model_versions;
ALTER TABLE registered_model_aliases_of_all RENAME TO registered_model_aliases;
CREATE INDEX model_versions_of_run ON model_versions (run_id);
CREATE INDEX registered_model_aliases_of_version ON registered_model_aliases (name, version);

CREATE TABLE model_version_tags (
    name    TEXT NOT NULL,
    version INTEGER NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (name, version, key),
    FOREIGN KEY (name, version) REFERENCES model_versions (name, version)
        ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- ── logged models ───────────────────────────────────────────────────────────────────────────

CREATE TABLE logged_models (
    model_id               TEXT PRIMARY KEY,
    experiment_id          INTEGER NOT NULL
        REFERENCES experiments (experiment_id) ON DELETE CASCADE,
    name                   TEXT NOT NULL,
    artifact_uri           TEXT NOT NULL,
    creation_timestamp     INTEGER NOT NULL,
    last_updated_timestamp INTEGER NOT NULL,
    status                 TEXT NOT NULL,
    status_message         TEXT,
    lifecycle_stage        TEXT NOT NULL DEFAULT 'active',
    deleted_time           INTEGER,
    model_type             TEXT,
    source_run_id          TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX logged_models_newest
    ON logged_models (experiment_id, creation_timestamp DESC, model_id);
CREATE INDEX logged_models_of_run ON logged_models (source_run_id);

CREATE TABLE logged_model_params (
    model_id TEXT NOT NULL REFERENCES logged_models (model_id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE logged_model_tags (
    model_id TEXT NOT NULL REFERENCES logged_models (model_id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
) STRICT, WITHOUT ROWID;
