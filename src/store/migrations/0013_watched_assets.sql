-- What became of the data, which part of it that was, and through which aliases a task told of it.
ALTER TABLE asset_event ADD COLUMN kind TEXT NOT NULL DEFAULT 'changed';
ALTER TABLE asset_event ADD COLUMN partition_key TEXT;
ALTER TABLE asset_event ADD COLUMN source_aliases TEXT NOT NULL DEFAULT '[]';
CREATE INDEX asset_event_news ON asset_event (name, id) WHERE kind <> 'deleted';
CREATE INDEX asset_event_of_partition ON asset_event (name, partition_key, id)
    WHERE partition_key IS NOT NULL;

ALTER TABLE dag_run ADD COLUMN partition_key TEXT;

-- What watchers have told of the files and objects that are there: by this the next daemon knows
-- what is new, has changed, and is gone.
CREATE TABLE asset_object (
    asset   TEXT NOT NULL,
    uri     TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (asset, uri)
) STRICT, WITHOUT ROWID;
-- The key of what a watcher told so far was `file:ASSET:URI:SIZE:MTIME`; of the last row of each
-- group SQLite takes the other columns too.
INSERT INTO asset_object (asset, uri, version)
    SELECT name, uri, version FROM (
        SELECT name, uri, max(id),
            substr(dedupe_key, length('file:' || name || ':' || uri || ':') + 1) AS version
        FROM asset_event WHERE dedupe_key LIKE 'file:%' GROUP BY name, uri);

-- Of which assets it was told that they are older than they may get, and after which event that
-- was: it is told once.
CREATE TABLE asset_stale (
    name     TEXT PRIMARY KEY,
    event_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
