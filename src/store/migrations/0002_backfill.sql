-- Backfills; what the schedule has come to, and the runs that failed in a row.

ALTER TABLE dag ADD COLUMN last_logical_date INTEGER;
ALTER TABLE dag ADD COLUMN failed_in_a_row TEXT;

ALTER TABLE dag_run ADD COLUMN backfill_id INTEGER;
CREATE INDEX dag_run_of_date ON dag_run (dag_id, logical_date);
CREATE INDEX dag_run_of_backfill ON dag_run (backfill_id, state) WHERE backfill_id IS NOT NULL;
CREATE INDEX dag_run_backfilled ON dag_run (dag_id, data_interval_end, logical_date)
    WHERE backfill_id IS NOT NULL;

CREATE TABLE backfill (
    id                   INTEGER PRIMARY KEY,
    dag_id               TEXT NOT NULL,
    from_date            INTEGER NOT NULL,
    to_date              INTEGER NOT NULL,
    dag_run_conf         TEXT,
    is_paused            INTEGER NOT NULL,
    reprocess_behavior   TEXT NOT NULL,
    run_backwards        INTEGER NOT NULL,
    max_active_runs      INTEGER NOT NULL,
    created_at           INTEGER NOT NULL,
    completed_at         INTEGER,
    updated_at           INTEGER NOT NULL,
    triggering_user_name TEXT,
    position             INTEGER NOT NULL,
    last_logical_date    INTEGER
) STRICT;
CREATE INDEX backfill_newest_of_dag ON backfill (dag_id, id);
CREATE INDEX backfill_under_way ON backfill (id) WHERE completed_at IS NULL;

-- What became of each date. A run that is deleted leaves its line.
CREATE TABLE backfill_dag_run (
    backfill_id      INTEGER NOT NULL REFERENCES backfill (id) ON DELETE CASCADE,
    sort_ordinal     INTEGER NOT NULL,
    logical_date     INTEGER NOT NULL,
    dag_run_id       TEXT,
    exception_reason TEXT,
    PRIMARY KEY (backfill_id, sort_ordinal)
) STRICT, WITHOUT ROWID;
