//! From attributed events to feedback.

use std::sync::Arc;

use futures::TryStreamExt as _;
use tandem_graph::{Answer, Facts, Feedback, FeedbackBuilder, Params};
use tandem_store::AttributedEvent;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::Attempt;
use crate::error::WorkError;

/// Pages between the reader and the thread that counts.
const PAGES_AHEAD: usize = 4;

/// What shoppers made of the lists that they were shown, from the events up to `watermark`. A full build freezes it with
/// its epoch; increments under that epoch keep it.
pub(super) async fn read(
    attempt: &Attempt<'_>,
    watermark: u64,
    facts: &Arc<Facts>,
) -> Result<Feedback, WorkError> {
    let params = Params::default().feedback;
    let first_day = facts.day_zero().day().saturating_sub_unsigned(params.days);
    let store = &attempt.deps.store;
    let mut events = store.scan_attributed(attempt.marketplace, watermark, first_day);
    let (pages, mut inbox) = mpsc::channel::<Vec<AttributedEvent>>(PAGES_AHEAD);
    let facts = Arc::clone(facts);
    let counting = spawn_blocking(move || {
        let mut builder = FeedbackBuilder::new(&facts);
        while let Some(page) = inbox.blocking_recv() {
            page.iter()
                .filter_map(answer)
                .for_each(|answer| builder.push(&answer));
        }
        builder.finish(&params)
    });
    while let Some(page) = events.try_next().await? {
        // The other end is only gone when it panicked, which its handle tells.
        if pages.send(page).await.is_err() {
            break;
        }
    }
    drop(pages);
    counting.await.map_err(|_| WorkError::Panicked)
}

/// `None` for a basket, which has no one anchor, and for nobody in particular.
fn answer(event: &AttributedEvent) -> Option<Answer<'_>> {
    let place = &event.attribution;
    Some(Answer {
        anchor: place.anchor.as_ref()?,
        companion: &event.product,
        surface: place.surface.as_str(),
        position: place.position,
        shopper: event.shopper.as_deref()?,
        day: event.time.day(),
        kind: event.kind,
    })
}
