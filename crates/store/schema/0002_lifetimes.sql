-- Rows that are kept for a time and then swept, in bounded batches, oldest first.

-- A sweep looks for the oldest request ids.
CREATE INDEX request_ids_oldest ON request_ids (created_ms);
-- A sweep looks for the oldest keys of deltas.
CREATE INDEX stock_deltas_oldest ON stock_deltas (applied_ms);
-- Dead letters are paged newest first, and swept oldest first: the number rises with the time.
CREATE INDEX dead_letters_newest ON dead_letters (marketplace_id, dead_letter_id);
