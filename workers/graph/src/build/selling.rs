//! How products sell, for the epoch of a full build.

use std::sync::Arc;

use tandem_domain::pace::Selling;
use tandem_graph::Facts;

use super::Attempt;
use crate::error::WorkError;

/// Sales of all products up to the day zero of `facts`. A full build freezes them with its epoch; increments under that
/// epoch keep them.
pub(super) async fn read(attempt: &Attempt<'_>, facts: &Arc<Facts>) -> Result<Vec<Selling>, WorkError> {
    let (store, zero) = (&attempt.deps.store, facts.day_zero().day());
    Ok(store.scan_selling(attempt.marketplace, zero).await?)
}
