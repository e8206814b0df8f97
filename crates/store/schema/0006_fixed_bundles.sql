-- One row per anchor that ever had fixed bundles: as link_sets.
CREATE TABLE fixed_bundle_sets (
    marketplace_id      {text}   NOT NULL,
    anchor_id           {text}   NOT NULL,
    version             bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, anchor_id)
) {compact};

-- members is a JSON list. A deleted bundle stays, so that reports stay readable.
CREATE TABLE fixed_bundles (
    marketplace_id      {text}   NOT NULL,
    fixed_bundle_id     {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    anchor_id           {text}   NOT NULL,
    title               {text}   NOT NULL,
    members             {text}   NOT NULL,
    author              {text}   NOT NULL,
    created_ms          bigint   NOT NULL,
    deleted_ms          bigint,
    PRIMARY KEY (marketplace_id, fixed_bundle_id)
) {compact};
-- An anchor's living bundles are projected whole.
CREATE INDEX fixed_bundles_of_anchor ON fixed_bundles (marketplace_id, anchor_id, fixed_bundle_id)
    WHERE deleted_ms IS NULL;
