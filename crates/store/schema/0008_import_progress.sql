-- How far files were imported whose import was broken off.

CREATE TABLE import_progress (
    marketplace_id      {text}   NOT NULL,
    -- What is imported, and the file as it was: a changed file is another one.
    file                {text}   NOT NULL,
    rows_written        bigint   NOT NULL,
    updated_ms          bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, file)
) {compact};
