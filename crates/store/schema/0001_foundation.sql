-- The schema of both databases. What differs stands in braces:
--   {text}      text compared byte by byte, as ids are          {bytes}     raw bytes
--   {serial}    a number of its own for every row               {compact}   rows stored in the key's own tree
--   {by_day}    rows kept in one partition per day
-- Ids are text as callers chose them, money is minor units, times are milliseconds since 1970, versions start at 1.
-- An index is a cost on every write: beside each stands the query that pays for it.

-- serving_fence is that of the claim that put serving_generation on serve: a claim with a lower one cannot take its place.
CREATE TABLE marketplaces (
    marketplace_id      {text}   NOT NULL PRIMARY KEY,
    currency_code       {text}   NOT NULL,
    currency_exponent   smallint NOT NULL,
    time_zone           {text}   NOT NULL,
    store_epoch         bigint   NOT NULL,
    serving_generation  bigint,
    serving_fence       bigint,
    created_ms          bigint   NOT NULL
) {compact};

-- What is counted per marketplace: batch, generation, job, fence, heartbeat. A row each, since the row lock that keeps a
-- count free of gaps is held to the end of the transaction: a long fold must not hold up a heartbeat.
CREATE TABLE counters (
    marketplace_id      {text}   NOT NULL,
    name                {text}   NOT NULL,
    value               bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, name)
) {compact};

CREATE TABLE shops (
    marketplace_id      {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    created_ms          bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, shop_id)
) {compact};

CREATE TABLE categories (
    marketplace_id      {text}   NOT NULL,
    category_id         {text}   NOT NULL,
    parent_id           {text},
    name                {text}   NOT NULL,
    PRIMARY KEY (marketplace_id, category_id)
) {compact};

CREATE TABLE series (
    marketplace_id      {text}   NOT NULL,
    series_id           {text}   NOT NULL,
    name                {text}   NOT NULL,
    brand               {text},
    generated           boolean  NOT NULL,
    PRIMARY KEY (marketplace_id, series_id)
) {compact};

-- card_version rises with the row and with every change of its SKUs.
CREATE TABLE products (
    marketplace_id      {text}   NOT NULL,
    product_id          {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    title               {text}   NOT NULL,
    category_id         {text},
    brand               {text},
    series_id           {text},
    price               bigint,
    image_uri           {text},
    quality             double precision,
    tags                {text}   NOT NULL,
    generated           boolean  NOT NULL,
    listed              boolean  NOT NULL,
    version             bigint   NOT NULL,
    card_version        bigint   NOT NULL,
    created_ms          bigint   NOT NULL,
    updated_ms          bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, product_id)
) {compact};

CREATE TABLE skus (
    marketplace_id      {text}   NOT NULL,
    sku_id              {text}   NOT NULL,
    product_id          {text}   NOT NULL,
    price               bigint,
    policy              {text}   NOT NULL,
    attributes          {text}   NOT NULL,
    generated           boolean  NOT NULL,
    version             bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, sku_id)
) {compact};
-- A card carries the SKUs of its product.
CREATE INDEX skus_of_product ON skus (marketplace_id, product_id);

-- Stock belongs to the shop that reported it, so that what a stranger says of a SKU that does not exist yet never
-- becomes the stock of whoever creates it. No reference to skus: reports may come first.
CREATE TABLE sku_stock (
    marketplace_id      {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    sku_id              {text}   NOT NULL,
    pool                {text}   NOT NULL,
    quantity            bigint   NOT NULL,
    store_version       bigint   NOT NULL,
    updated_ms          bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, shop_id, sku_id, pool)
) {compact};

-- The last set report of each source: what orders the next one.
CREATE TABLE stock_sources (
    marketplace_id      {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    sku_id              {text}   NOT NULL,
    pool                {text}   NOT NULL,
    source              {text}   NOT NULL,
    source_version      bigint   NOT NULL,
    quantity            bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, shop_id, sku_id, pool, source)
) {compact};

-- The keys of applied deltas: each applies once.
CREATE TABLE stock_deltas (
    marketplace_id      {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    sku_id              {text}   NOT NULL,
    pool                {text}   NOT NULL,
    source              {text}   NOT NULL,
    idempotency_key     {text}   NOT NULL,
    applied_ms          bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, shop_id, sku_id, pool, source, idempotency_key)
) {compact};

-- Events are written, with their rows, in chunks: one per transaction. A chunk without a batch number waits to be
-- folded; it is seen only when its transaction has committed, in whatever order that happened.
CREATE TABLE event_chunks (
    chunk_id            {serial},
    marketplace_id      {text}   NOT NULL,
    batch_no            bigint,
    events              bigint   NOT NULL,
    first_day           integer  NOT NULL,
    last_day            integer  NOT NULL,
    recorded_ms         bigint   NOT NULL,
    numbered_ms         bigint
);
-- The fold looks for what waits, however much was folded before.
CREATE INDEX event_chunks_waiting ON event_chunks (marketplace_id, chunk_id) WHERE batch_no IS NULL;
-- A scan asks which chunks are in its batches; no number is given twice.
CREATE UNIQUE INDEX event_chunks_numbered ON event_chunks (marketplace_id, batch_no) WHERE batch_no IS NOT NULL;

-- What makes an event count once, whatever day it names when it comes again: an index of a partitioned table cannot
-- see across days. Ids go with the rows that they stand for.
CREATE TABLE event_ids (
    marketplace_id      {text}   NOT NULL,
    event_id            {text}   NOT NULL,
    PRIMARY KEY (marketplace_id, event_id)
) {compact};

-- day is that of time_ms, in UTC. It leads the key: a scan reads ranges of days, retention clears whole days.
CREATE TABLE events (
    marketplace_id      {text}   NOT NULL,
    day                 integer  NOT NULL,
    event_id            {text}   NOT NULL,
    kind                smallint NOT NULL,
    product_id          {text}   NOT NULL,
    user_id             {text},
    group_id            {text},
    scene_id            {text},
    quantity            bigint   NOT NULL,
    unit_price          bigint,
    time_ms             bigint   NOT NULL,
    generated           boolean  NOT NULL,
    chunk_id            bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, day, event_id)
) {by_day};
-- The fold and increments read the rows of single chunks.
CREATE INDEX events_of_chunk ON events (chunk_id);

CREATE TABLE orders (
    marketplace_id      {text}   NOT NULL,
    order_id            {text}   NOT NULL,
    user_id             {text},
    placed_ms           bigint   NOT NULL,
    day                 integer  NOT NULL,
    lines               bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, order_id)
) {compact};

-- Outlives the raw rows.
CREATE TABLE daily_counts (
    marketplace_id      {text}   NOT NULL,
    day                 integer  NOT NULL,
    product_id          {text}   NOT NULL,
    kind                smallint NOT NULL,
    events              bigint   NOT NULL,
    quantity            bigint   NOT NULL,
    revenue             bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, day, product_id, kind)
) {compact};

CREATE TABLE scenes (
    marketplace_id      {text}   NOT NULL,
    scene_id            {text}   NOT NULL,
    kind                {text}   NOT NULL,
    title               {text}   NOT NULL,
    generated           boolean  NOT NULL,
    PRIMARY KEY (marketplace_id, scene_id)
) {compact};

-- position is the place in the show: a product may come back.
CREATE TABLE scene_products (
    marketplace_id      {text}   NOT NULL,
    scene_id            {text}   NOT NULL,
    position            integer  NOT NULL,
    product_id          {text}   NOT NULL,
    shown_ms            bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, scene_id, position)
) {compact};

-- One row per anchor that ever had links. Its lock puts the writers of an anchor's links in line, so that the change
-- they send holds the whole set; its version outlives the links.
CREATE TABLE link_sets (
    marketplace_id      {text}   NOT NULL,
    anchor_id           {text}   NOT NULL,
    version             bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, anchor_id)
) {compact};

-- A deleted link stays: the tombstone outranks every rebuild, and reports stay readable.
CREATE TABLE links (
    marketplace_id      {text}   NOT NULL,
    link_id             {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    anchor_id           {text}   NOT NULL,
    companion_id        {text}   NOT NULL,
    effect              {text}   NOT NULL,
    relation            {text},
    surface_id          {text},
    valid_from_ms       bigint,
    valid_until_ms      bigint,
    reason              {text}   NOT NULL,
    author              {text}   NOT NULL,
    created_ms          bigint   NOT NULL,
    deleted_ms          bigint,
    version             bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, link_id)
) {compact};
-- Living links do not contradict each other: one per anchor, companion, relation and surface.
CREATE UNIQUE INDEX links_living
    ON links (marketplace_id, anchor_id, companion_id, COALESCE(relation, ''), COALESCE(surface_id, ''))
    WHERE deleted_ms IS NULL;
-- Lists are paged by anchor and id.
CREATE INDEX links_by_anchor ON links (marketplace_id, anchor_id, link_id);

CREATE TABLE surfaces (
    marketplace_id      {text}   NOT NULL,
    surface_id          {text}   NOT NULL,
    version             bigint   NOT NULL,
    settings            {text}   NOT NULL,
    PRIMARY KEY (marketplace_id, surface_id)
) {compact};

-- manifest is empty until published, and again once retired.
CREATE TABLE generations (
    marketplace_id      {text}   NOT NULL,
    generation          bigint   NOT NULL,
    kind                {text}   NOT NULL,
    state               {text}   NOT NULL,
    watermark           bigint   NOT NULL,
    stats               {text}   NOT NULL,
    epoch_record        {text},
    manifest            {text},
    message             {text}   NOT NULL,
    created_ms          bigint   NOT NULL,
    ended_ms            bigint,
    PRIMARY KEY (marketplace_id, generation)
) {compact};

-- Segments that a manifest names or named; a row goes when its file may go.
CREATE TABLE segments (
    marketplace_id      {text}   NOT NULL,
    segment_id          bigint   NOT NULL,
    path                {text}   NOT NULL,
    checksum            {text}   NOT NULL,
    bytes               bigint   NOT NULL,
    records             bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, segment_id)
) {compact};

-- Changes on their way to the projection. Rows are claimed, never read past a position: numbers do not commit in
-- order. Of the rows in a slot only the newest is worth sending.
CREATE TABLE outbox (
    outbox_id           {serial},
    marketplace_id      {text}   NOT NULL,
    slot                {text},
    traceparent         {text}   NOT NULL,
    change              {text}   NOT NULL
);
-- A heartbeat replaces the one that waits.
CREATE INDEX outbox_slots ON outbox (marketplace_id, slot) WHERE slot IS NOT NULL;

CREATE TABLE jobs (
    job_id              {text}   NOT NULL PRIMARY KEY,
    marketplace_id      {text}   NOT NULL,
    kind                {text}   NOT NULL,
    arguments           {text}   NOT NULL,
    state               {text}   NOT NULL,
    attempts            integer  NOT NULL,
    fence               bigint   NOT NULL,
    lease_until_ms      bigint   NOT NULL,
    worker              {text}   NOT NULL,
    generation          bigint,
    message             {text}   NOT NULL,
    created_ms          bigint   NOT NULL
) {compact};
-- One build waits at a time: asking again gives the same job.
CREATE UNIQUE INDEX jobs_waiting_build ON jobs (marketplace_id) WHERE kind = 'build' AND state = 'queued';
-- Workers look for the oldest job that waits or whose lease ran out; ended jobs pile up beside them.
CREATE INDEX jobs_open ON jobs (created_ms, job_id) WHERE state IN ('queued', 'running');

-- answer is the JSON of the first answer.
CREATE TABLE request_ids (
    marketplace_id      {text}   NOT NULL,
    shop_id             {text}   NOT NULL,
    subject             {text}   NOT NULL,
    method              {text}   NOT NULL,
    request_id          {text}   NOT NULL,
    body_hash           {bytes}  NOT NULL,
    answer              {text}   NOT NULL,
    created_ms          bigint   NOT NULL,
    PRIMARY KEY (marketplace_id, shop_id, subject, method, request_id)
) {compact};

-- Changes that no worker could project.
CREATE TABLE dead_letters (
    dead_letter_id      {serial},
    marketplace_id      {text}   NOT NULL,
    envelope            {text}   NOT NULL,
    attempts            integer  NOT NULL,
    reason              {text}   NOT NULL,
    created_ms          bigint   NOT NULL
);

-- Appended to, never changed.
CREATE TABLE audit (
    audit_id            {serial},
    marketplace_id      {text}   NOT NULL,
    time_ms             bigint   NOT NULL,
    subject             {text}   NOT NULL,
    shop_id             {text},
    action              {text}   NOT NULL,
    target              {text}   NOT NULL,
    reason              {text}   NOT NULL
);
-- Read newest first.
CREATE INDEX audit_newest ON audit (marketplace_id, audit_id);
