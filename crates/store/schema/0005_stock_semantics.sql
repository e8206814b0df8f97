-- When stock of a shop runs low. A shop without a row has thresholds of zero. The row's lock puts those who change it in
-- line, so that the products they send are judged by what stands.
CREATE TABLE shop_thresholds (
    marketplace_id      {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    version             bigint   NOT NULL,
    low                 bigint   NOT NULL,
    critical            bigint   NOT NULL,
    buffer              bigint   NOT NULL,
    hysteresis          bigint   NOT NULL,
    updated_ms          bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, shop_id)
) {compact};
-- New thresholds are sent with the products that they judge.
CREATE INDEX products_of_shop ON products (marketplace_id, shop_id, product_id);
