//! Applying deliveries, and what becomes of those that cannot be applied.

use tandem_cache::error::CacheError;
use tandem_cache::port::Delivery;
use tandem_domain::change::{Change, Envelope};

use super::Projector;
use crate::batch::Batches;
use crate::failure::is_passing;
use crate::project::put;
use crate::trace::{self, Continued};

impl Projector {
    /// Applies deliveries and acknowledges them.
    ///
    /// # Errors
    /// When the cache is away; all of them may be settled again. A delivery that fails by its own fault is no error
    /// here: it is left unacknowledged, or set aside after its last try.
    pub(super) async fn settle(&self, deliveries: &[Delivery]) -> Result<(), CacheError> {
        let readable: Vec<(&Delivery, &Envelope)> = deliveries
            .iter()
            .filter_map(|delivery| Some((delivery, delivery.envelope.as_ref().ok()?)))
            .collect();
        let mut settled = match self.apply(readable.iter().map(|(_, envelope)| *envelope)).await {
            Ok(()) => readable.iter().map(|(delivery, _)| delivery.id.clone()).collect(),
            Err(error) if is_passing(&error) => return Err(error),
            Err(_) => self.apply_one_by_one(&readable).await?,
        };
        for delivery in deliveries {
            if let Err(why) = &delivery.envelope
                && self.is_last_try(delivery, why)
            {
                settled.push(delivery.id.clone());
            }
        }
        if settled.is_empty() {
            return Ok(());
        }
        self.cache.ack(&self.marketplace, &settled).await
    }

    /// Finds the deliveries that spoil a batch; returns those that are settled.
    async fn apply_one_by_one(
        &self,
        deliveries: &[(&Delivery, &Envelope)],
    ) -> Result<Vec<String>, CacheError> {
        let mut settled = Vec::new();
        for (delivery, envelope) in deliveries {
            match self.apply([*envelope]).await {
                Ok(()) => settled.push(delivery.id.clone()),
                Err(error) if is_passing(&error) => return Err(error),
                Err(error) if self.is_last_try(delivery, &error.to_string()) => {
                    settled.push(delivery.id.clone())
                }
                Err(_) => {}
            }
        }
        Ok(settled)
    }

    async fn apply(&self, envelopes: impl IntoIterator<Item = &Envelope>) -> Result<(), CacheError> {
        let mut batches = Batches::default();
        let mut spans = Vec::new();
        for envelope in envelopes {
            let Continued { span, traceparent } = trace::continued(envelope);
            batches.push(envelope.store_epoch, envelope.change.clone(), traceparent);
            spans.push(span);
        }
        for (store_epoch, batch) in &batches.0 {
            put(&*self.cache, &self.marketplace, *store_epoch, batch).await?;
        }
        Ok(())
    }

    /// Whether a delivery has failed for good; then it is logged whole enough to be found in SQL.
    fn is_last_try(&self, delivery: &Delivery, why: &str) -> bool {
        let last = delivery.attempts >= self.settings.max_attempts;
        if last {
            self.metrics.set_aside();
            tracing::error!(
                marketplace.id = %self.marketplace,
                delivery.id,
                delivery.attempts,
                change.of = delivery.envelope.as_ref().map_or_else(|_| "unreadable".to_owned(), |e| subject(&e.change)),
                error = why,
                "set a change aside: it cannot be applied; the next full pass compares it with SQL again"
            );
        }
        last
    }
}

/// What a change is about, for the log.
pub(crate) fn subject(change: &Change) -> String {
    match change {
        Change::Stock(change) => format!("stock of {} in {}", change.sku, change.pool),
        Change::Listing(change) => format!("listing of {}", change.product),
        Change::Card(card) => format!("card of {}", card.id),
        Change::Links(links) => format!("links of {}", links.anchor),
        Change::Surface(surface) => format!("surface {}", surface.id),
        Change::Heartbeat { counter } => format!("heartbeat {counter}"),
    }
}
