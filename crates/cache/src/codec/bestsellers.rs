//! Bestsellers of a category, or of the marketplace.

use bytes::Bytes;
use tandem_domain::id::ProductId;
use tandem_proto::cache::v1::BestsellerRecord;

use super::{frame, product, rank, unframe, unreadable};
use crate::port::Result;

const WHAT: &str = "bestsellers";

/// Products with their rank values, best first.
#[must_use]
pub fn encode_bestsellers(bestsellers: &[(ProductId, f32)]) -> Bytes {
    frame(&BestsellerRecord {
        products: bestsellers.iter().map(|(id, _)| id.to_string()).collect(),
        score: bestsellers.iter().map(|&(_, score)| score).collect(),
    })
}

/// Reads bestsellers with their rank values, best first.
///
/// # Errors
/// [`CacheError::Unreadable`](crate::error::CacheError::Unreadable) when the bytes are of another codec or damaged.
pub fn decode_bestsellers(bytes: &[u8]) -> Result<Vec<(ProductId, f32)>> {
    let record: BestsellerRecord = unframe(WHAT, bytes)?;
    if record.products.len() != record.score.len() {
        return Err(unreadable(WHAT, "its columns differ in length"));
    }
    let rows = record.products.iter().zip(record.score);
    rows.map(|(id, score)| Ok((product(WHAT, id)?, rank(WHAT, score)?)))
        .collect()
}
