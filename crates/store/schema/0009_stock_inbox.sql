-- Stock that another service reports by writing a row, which says what a report of ReportStock says: either a set
-- (available, source_version) or a delta (change, idempotency_key). An inventory worker applies it and deletes it in one
-- transaction. A row that says anything else becomes a dead letter: nothing but its types is checked here, so that no
-- transaction of the service fails over it. Other words in braces than in the first file:
--   {integer}   a number in a table that takes nothing else     {strict}    a table that takes only what its types say
--   {postgres}  before a statement that SQLite does not need
CREATE TABLE stock_inbox (
    inbox_id            {serial},
    marketplace_id      {text}    NOT NULL,
    shop_id             {text}    NOT NULL,
    sku_id              {text}    NOT NULL,
    pool                {text}    NOT NULL DEFAULT 'normal',
    source              {text}    NOT NULL DEFAULT 'default',
    available           {integer},
    source_version      {integer},
    change              {integer},
    idempotency_key     {text}
) {strict};

-- Workers are woken by the commit, whoever writes; on SQLite they look at the file.
{postgres} CREATE FUNCTION stock_inbox_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tandem_stock_inbox', '');
    RETURN NULL;
END $$;
{postgres} CREATE TRIGGER stock_inbox_wakes AFTER INSERT ON stock_inbox EXECUTE FUNCTION stock_inbox_wake();
