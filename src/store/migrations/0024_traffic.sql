-- How a model's requests are divided beside the percents, as people or a deployment said.
CREATE TABLE serving_policy (
    model          TEXT PRIMARY KEY,
    -- `header:NAME` or `api_key`; NULL: requests take turns.
    sticky         TEXT,
    -- The version that gets copies, of so many percent of the requests.
    shadow         INTEGER,
    shadow_percent INTEGER NOT NULL DEFAULT 100 CHECK (shadow_percent BETWEEN 1 AND 100)
) STRICT, WITHOUT ROWID;

-- The rollout of each model that is under way, or the last that was.
CREATE TABLE serving_rollout (
    model      TEXT PRIMARY KEY,
    -- The attempt whose it is.
    token      TEXT NOT NULL,
    task       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    previous   INTEGER,
    -- A JSON list of the steps' percents.
    percents   TEXT NOT NULL,
    step       INTEGER NOT NULL,
    state      TEXT NOT NULL,
    ends_at    INTEGER,
    left_ms    INTEGER,
    -- `advance` or `abort`: what somebody wants that was not done yet.
    wish       TEXT,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    reason     TEXT
) STRICT, WITHOUT ROWID;

-- Truth that was told of predictions: each counts once.
CREATE TABLE serving_outcome (
    id         TEXT NOT NULL,
    "row"      INTEGER NOT NULL,
    -- `truth` or `reward`.
    kind       TEXT NOT NULL,
    model      TEXT NOT NULL,
    version    INTEGER NOT NULL,
    told_at    INTEGER NOT NULL,
    PRIMARY KEY (id, "row", kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX serving_outcome_of_time ON serving_outcome (told_at);

-- What they come to: sums for each version and each hour in which it predicted.
CREATE TABLE serving_arm (
    model     TEXT NOT NULL,
    -- `accuracy`, `absolute_error` or `reward`.
    metric    TEXT NOT NULL,
    version   INTEGER NOT NULL,
    -- Since 1970.
    "hour"    INTEGER NOT NULL,
    outcomes  INTEGER NOT NULL,
    total     REAL NOT NULL,
    -- Of the squares.
    total_sq  REAL NOT NULL,
    PRIMARY KEY (model, metric, version, "hour")
) STRICT, WITHOUT ROWID;
