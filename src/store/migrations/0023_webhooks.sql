-- Whom clients of MLflow want told of the registry. Secrets lie here as they came: the file is its
-- owner's alone.
CREATE TABLE webhook (
    webhook_id             TEXT PRIMARY KEY,
    name                   TEXT NOT NULL,
    url                    TEXT NOT NULL,
    -- A JSON list of `entity.action`.
    events                 TEXT NOT NULL,
    description            TEXT,
    status                 TEXT NOT NULL,
    secret                 TEXT,
    creation_timestamp     INTEGER NOT NULL,
    last_updated_timestamp INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is still to be told, written with the change itself.
CREATE TABLE webhook_delivery (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL REFERENCES webhook (webhook_id) ON DELETE CASCADE,
    body       TEXT NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    next_try   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX webhook_delivery_of_webhook ON webhook_delivery (webhook_id, id);
