-- Users who are to be erased, and when they were. user_id stands until then, and not a moment longer. An erasure takes
-- steps, which a counter of the marketplace numbers.
CREATE TABLE user_erasures (
    erasure_id          {serial},
    marketplace_id      {text}   NOT NULL,
    user_id             {text},
    events              bigint   NOT NULL,
    orders              bigint   NOT NULL,
    asked_ms            bigint   NOT NULL,
    erased_ms           bigint
);
-- The worker looks for those who wait, however many went before.
CREATE INDEX user_erasures_waiting ON user_erasures (marketplace_id, erasure_id) WHERE user_id IS NOT NULL;

-- Products whose rows of the graph counted an event that is erased, with the last step that took one.
CREATE TABLE erased_products (
    marketplace_id      {text}   NOT NULL,
    product_id          {text}   NOT NULL,
    step                bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, product_id)
) {compact};

-- The last step before the rows were read; an increment has that of the generation that it was computed over.
ALTER TABLE generations ADD COLUMN erasure_step bigint NOT NULL DEFAULT 0;
