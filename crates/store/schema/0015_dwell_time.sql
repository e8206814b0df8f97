-- How long the product of an event was looked at, in milliseconds; NULL where nobody measured.
ALTER TABLE events ADD COLUMN dwell_ms integer;
