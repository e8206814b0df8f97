-- Serving configurations as they stood at every version, for history and rollback.

CREATE TABLE surface_revisions (
    marketplace_id      {text}   NOT NULL,
    surface_id          {text}   NOT NULL,
    version             bigint   NOT NULL,
    settings            {text}   NOT NULL,
    action              {text}   NOT NULL,
    author              {text}   NOT NULL,
    reason              {text}   NOT NULL,
    created_ms          bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, surface_id, version)
) {compact};

-- What stands was never changed before: it is what every marketplace begins with.
INSERT INTO surface_revisions
SELECT s.marketplace_id, s.surface_id, s.version, s.settings, 'create', '', '', m.created_ms
FROM surfaces s JOIN marketplaces m ON m.marketplace_id = s.marketplace_id;

-- A deleted surface keeps its row, whose version still counts.
ALTER TABLE surfaces ADD COLUMN deleted boolean NOT NULL DEFAULT false;

-- A card names the categories above its own from here on: where there are any, the next full pass puts the card anew.
UPDATE products SET card_version = card_version + 1 WHERE EXISTS (
    SELECT 1 FROM categories c
    WHERE c.marketplace_id = products.marketplace_id AND c.category_id = products.category_id
      AND c.parent_id IS NOT NULL
);
