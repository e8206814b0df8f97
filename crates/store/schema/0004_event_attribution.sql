-- Where in an answer of ours the product of an event stood, as JSON, proved by the token that the event quoted.
ALTER TABLE events ADD COLUMN attribution {text};
-- Feedback reads these alone; most events quote no token.
CREATE INDEX attributed_events ON events (marketplace_id, day, event_id) WHERE attribution IS NOT NULL;
