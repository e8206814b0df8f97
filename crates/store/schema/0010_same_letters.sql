-- A change is set aside once however often it comes, so each is looked for first. Letters may be long, and PostgreSQL keeps
-- no long text in an ordered index. Another word in braces than in the earlier files:
--   {by_hash}   an index that is only asked for what is equal
CREATE INDEX dead_letters_same ON dead_letters {by_hash} (envelope);
