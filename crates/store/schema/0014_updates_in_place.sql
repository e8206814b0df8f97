-- Stock is rewritten all day and no index names what changes: with room on its page the new version of a row stands beside
-- the old one, and the indexes need not be told. A full upload rewrites whole pages, so half of each is left free.
{postgres} ALTER TABLE sku_stock SET (fillfactor = 50);
{postgres} ALTER TABLE stock_sources SET (fillfactor = 50);
-- A queue is empty most of the time, whatever a share of its rows may be: what was taken is cleared away by its count.
{postgres} ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
