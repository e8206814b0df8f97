//! Applying deliveries, and what becomes of those that cannot be applied.

use tandem_cache::error::CacheError;
use tandem_cache::port::Delivery;
use tandem_domain::change::{Change, Envelope};
use tandem_domain::parts::Parts;
use tandem_runtime::backoff::chain;
use tandem_store::Undeliverable;

use super::Projector;
use crate::batch::Batches;
use crate::failure::is_passing;
use crate::project::put;

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
        let mut settled = self.apply_all(&readable).await?;
        for delivery in deliveries {
            if let Err(unreadable) = &delivery.envelope
                && self.is_given_up(delivery, &unreadable.why).await
            {
                settled.push(delivery.id.clone());
            }
        }
        if settled.is_empty() {
            return Ok(());
        }
        self.cache.ack(&self.marketplace, &settled).await
    }

    /// Applies deliveries, all at once unless one of them spoils that; returns those that are settled.
    async fn apply_all(&self, deliveries: &[(&Delivery, &Envelope)]) -> Result<Vec<String>, CacheError> {
        let mut settled = Vec::new();
        let mut parts = Parts::of(deliveries);
        while let Some(part) = parts.take() {
            match self.apply(part.iter().map(|(_, envelope)| *envelope)).await {
                Ok(()) => settled.extend(part.iter().map(|(delivery, _)| delivery.id.clone())),
                Err(error) if is_passing(&error) => return Err(error),
                Err(error) => {
                    if let Some((delivery, _)) = parts.refused(part)
                        && self.is_given_up(delivery, &error.to_string()).await
                    {
                        settled.push(delivery.id.clone());
                    }
                }
            }
        }
        Ok(settled)
    }

    async fn apply(&self, envelopes: impl IntoIterator<Item = &Envelope>) -> Result<(), CacheError> {
        let (batches, _spans) = Batches::traced(envelopes);
        for (store_epoch, mut batch) in batches.0 {
            let beat = batch.beat.take();
            put(&*self.cache, &self.marketplace, store_epoch, &batch).await?;
            if let Some(counter) = beat
                && self.vouches().await?
            {
                self.cache.beat(&self.marketplace, store_epoch, counter).await?;
            }
        }
        Ok(())
    }

    /// Whether a sign of life may go on to the gateways: it vouches for everything before it, and what another worker
    /// was given and does not settle is before it. The next sign of life asks again.
    async fn vouches(&self) -> Result<bool, CacheError> {
        let oldest = self.cache.oldest_held(&self.marketplace).await?;
        Ok(oldest.is_none_or(|age| age <= self.settings.reclaim_after))
    }

    /// Whether a delivery has failed for good and waits among the dead letters now. While SQL is away it does not, and
    /// comes back.
    async fn is_given_up(&self, delivery: &Delivery, why: &str) -> bool {
        if delivery.attempts < self.settings.max_attempts {
            return false;
        }
        let kept = match undeliverable(delivery, why) {
            Some(letter) => {
                let now = self.clock.now();
                self.store
                    .set_aside(&self.marketplace, &letter, now)
                    .await
                    .map(|_| ())
            }
            None => Ok(()),
        };
        match kept {
            Ok(()) => self.metrics.set_aside(1),
            Err(error) => {
                tracing::warn!(error = chain(&error), "a change cannot be set aside for now");
                return false;
            }
        }
        tracing::error!(
            marketplace.id = %self.marketplace,
            delivery.id,
            delivery.attempts,
            change.of = subject(delivery),
            error = why,
            "set a change aside: see `tandem deadletter list`"
        );
        true
    }
}

/// The letter that keeps what was delivered; none for a sign of life, which the next one replaces.
fn undeliverable(delivery: &Delivery, why: &str) -> Option<Undeliverable> {
    let (store_epoch, traceparent, change) = match &delivery.envelope {
        Ok(Envelope {
            change: Change::Heartbeat { .. },
            ..
        }) => return None,
        Ok(envelope) => (
            envelope.store_epoch,
            envelope.traceparent.clone(),
            envelope.change.to_json(),
        ),
        Err(unreadable) => (0, String::new(), unreadable.text.clone()),
    };
    Some(Undeliverable {
        store_epoch,
        traceparent,
        change,
        attempts: delivery.attempts,
        reason: why.to_owned(),
    })
}

/// What a delivery is about, for the log.
fn subject(delivery: &Delivery) -> String {
    match &delivery.envelope {
        Ok(envelope) => envelope.change.subject(),
        Err(_) => "unreadable".to_owned(),
    }
}
