-- What goes over to the MLflow server that `[tracking] uri` names.

-- The server; nothing is written down while `is_on` is 0. The row stays when it is turned off: the
-- copies are of that server.
CREATE TABLE mirror_target (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    uri   TEXT NOT NULL,
    is_on INTEGER NOT NULL
) STRICT;

-- What has changed here and is still to be told there: a 'run' by its id, a 'model' by its name.
-- `changed` grows with each change, so that one that comes while it is told is told as well.
CREATE TABLE mirror_due (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    changed INTEGER NOT NULL,
    -- Why the server will not have it.
    problem TEXT,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- What stands there for what is here, and how far it is: an 'experiment', a 'run', a 'model'.
CREATE TABLE mirror_copy (
    kind   TEXT NOT NULL,
    id     TEXT NOT NULL,
    remote TEXT NOT NULL,
    state  TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Attempts write from processes of their own, so these belong to the schema and not to a
-- connection. An OR REPLACE of who fires a trigger would hold for its statements, too: none of them
-- meets a row that is there.
CREATE TRIGGER mirror_run_made AFTER INSERT ON runs
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'run', new.run_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'run' AND id = new.run_id);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'run' AND id = new.run_id;
END;
CREATE TRIGGER mirror_run_changed AFTER UPDATE ON runs
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'run', new.run_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'run' AND id = new.run_id);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'run' AND id = new.run_id;
END;
CREATE TRIGGER mirror_tags_put AFTER INSERT ON tags
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'run', new.run_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'run' AND id = new.run_id);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'run' AND id = new.run_id;
END;
CREATE TRIGGER mirror_params_put AFTER INSERT ON params
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'run', new.run_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'run' AND id = new.run_id);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'run' AND id = new.run_id;
END;
CREATE TRIGGER mirror_metrics_put AFTER INSERT ON metrics
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'run', new.run_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'run' AND id = new.run_id);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'run' AND id = new.run_id;
END;
CREATE TRIGGER mirror_artifacts_put AFTER INSERT ON artifacts
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'run', new.run_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'run' AND id = new.run_id);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'run' AND id = new.run_id;
END;
CREATE TRIGGER mirror_run_input_put AFTER INSERT ON run_input
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'run', new.run_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'run' AND id = new.run_id);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'run' AND id = new.run_id;
END;
CREATE TRIGGER mirror_dataset_input_put AFTER INSERT ON dataset_input
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'run', new.run_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'run' AND id = new.run_id);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'run' AND id = new.run_id;
END;
CREATE TRIGGER mirror_tags_taken AFTER DELETE ON tags
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'run', old.run_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'run' AND id = old.run_id);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'run' AND id = old.run_id;
END;
CREATE TRIGGER mirror_model_made AFTER INSERT ON registered_models
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_model_changed AFTER UPDATE ON registered_models
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_model_gone AFTER DELETE ON registered_models
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', old.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = old.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = old.name;
END;
-- A model keeps its copy under its new name.
CREATE TRIGGER mirror_model_renamed AFTER UPDATE OF name ON registered_models
WHEN new.name <> old.name BEGIN
    UPDATE mirror_copy SET id = new.name WHERE kind = 'model' AND id = old.name;
    DELETE FROM mirror_due WHERE kind = 'model' AND id = old.name;
END;
CREATE TRIGGER mirror_version_put AFTER INSERT ON model_versions
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_version_changed AFTER UPDATE ON model_versions
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_version_taken AFTER DELETE ON model_versions
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', old.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = old.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = old.name;
END;
CREATE TRIGGER mirror_alias_put AFTER INSERT ON registered_model_aliases
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_alias_changed AFTER UPDATE ON registered_model_aliases
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_alias_taken AFTER DELETE ON registered_model_aliases
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', old.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = old.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = old.name;
END;
CREATE TRIGGER mirror_model_tag_put AFTER INSERT ON registered_model_tags
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_model_tag_changed AFTER UPDATE ON registered_model_tags
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_model_tag_taken AFTER DELETE ON registered_model_tags
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', old.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = old.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = old.name;
END;
CREATE TRIGGER mirror_version_tag_put AFTER INSERT ON model_version_tags
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_version_tag_changed AFTER UPDATE ON model_version_tags
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', new.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = new.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = new.name;
END;
CREATE TRIGGER mirror_version_tag_taken AFTER DELETE ON model_version_tags
WHEN EXISTS (SELECT 1 FROM mirror_target WHERE is_on = 1) BEGIN
    INSERT INTO mirror_due (kind, id, changed) SELECT 'model', old.name, 0
        WHERE NOT EXISTS (SELECT 1 FROM mirror_due WHERE kind = 'model' AND id = old.name);
    UPDATE mirror_due SET changed = changed + 1, problem = NULL
        WHERE kind = 'model' AND id = old.name;
END;
