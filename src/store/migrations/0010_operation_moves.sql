-- What an operation did to each run and task, for whoever looks at it later; NULL where it was done
-- before that was kept.
ALTER TABLE operation ADD COLUMN moves TEXT;
