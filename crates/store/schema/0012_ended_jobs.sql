-- A sweep looks for the jobs that ended longest ago.
CREATE INDEX jobs_ended ON jobs (lease_until_ms) WHERE state IN ('succeeded', 'failed');
