-- Why somebody moved an alias, in their words: needed where a gate found the version wanting.
ALTER TABLE registered_model_alias_history ADD COLUMN reason TEXT;
