-- What operators and merchants say of two categories. shop_id is empty for the whole marketplace; the verdict is absent
-- where orders tell; ratios are in ten-thousandths, both or neither. Full builds read all rows of a marketplace, and
-- counters has the version that every change raises. Pages come by key.
CREATE TABLE category_rules (
    marketplace_id      {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    anchor_id           {text}   NOT NULL,
    companion_id        {text}   NOT NULL,
    verdict             {text},
    least_ratio         bigint,
    most_ratio          bigint,
    reason              {text}   NOT NULL,
    author              {text}   NOT NULL,
    created_ms          bigint   NOT NULL,
    updated_ms          bigint   NOT NULL,
    version             bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, shop_id, anchor_id, companion_id)
) {compact};
