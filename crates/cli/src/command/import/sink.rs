//! Writing batches into SQL while the next ones are parsed.

use std::future::Future;

use anyhow::{Context, Result};
use tokio::sync::mpsc;

/// Batches that may wait between the parser and the database.
const AHEAD: usize = 4;

/// Runs `parse` on a thread of its own; every batch that it hands to its argument reaches `write`, in order.
/// When writing fails, parsing ends at its next batch.
///
/// # Errors
/// The first error of either side, that of `write` first.
pub(super) async fn pipe<T, R, W, F>(
    parse: impl FnOnce(&mut dyn FnMut(T) -> bool) -> Result<R> + Send + 'static,
    mut write: W,
) -> Result<R>
where
    T: Send + 'static,
    R: Send + 'static,
    W: FnMut(T) -> F,
    F: Future<Output = Result<()>>,
{
    let (sender, mut batches) = mpsc::channel(AHEAD);
    let parser = tokio::task::spawn_blocking(move || parse(&mut |batch| sender.blocking_send(batch).is_ok()));
    while let Some(batch) = batches.recv().await {
        write(batch).await?;
    }
    parser.await.context("the parser stopped")?
}
