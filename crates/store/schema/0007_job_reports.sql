-- What a job found, as JSON; empty where a job only does.
ALTER TABLE jobs ADD COLUMN report {text} NOT NULL DEFAULT '';
