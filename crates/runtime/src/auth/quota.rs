//! How much one caller may ask for: a token bucket each.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use quick_cache::sync::Cache;
use tonic::Code;

use super::QuotaConfig;
use crate::status::Refusal;

/// The buckets of all callers; those of callers that have not come for long are forgotten.
#[derive(Debug)]
pub(super) struct Quotas {
    config: QuotaConfig,
    buckets: Cache<String, Option<Arc<Bucket>>>,
}

/// What one caller has left.
#[derive(Debug)]
pub(super) struct Bucket {
    caller: String,
    rate: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
}

impl Quotas {
    pub(super) fn new(config: &QuotaConfig, callers: usize) -> Self {
        Self {
            config: config.clone(),
            buckets: Cache::new(callers.max(1)),
        }
    }

    /// The bucket of a caller, shared by all of its tokens; none for a caller without a limit.
    pub(super) fn of(&self, caller: &str) -> Option<Arc<Bucket>> {
        let bucket = self.buckets.get_or_insert_with(caller, || {
            Ok::<_, std::convert::Infallible>(self.bucket(caller).map(Arc::new))
        });
        match bucket {
            Ok(bucket) => bucket,
        }
    }

    fn bucket(&self, caller: &str) -> Option<Bucket> {
        let QuotaConfig { rate, burst, callers } = &self.config;
        let own = callers.get(caller);
        let rate = NonZeroU32::new(own.copied().unwrap_or(*rate))?;
        let burst = if own.is_some() {
            None
        } else {
            NonZeroU32::new(*burst)
        };
        let quota = Quota::per_second(rate).allow_burst(burst.unwrap_or(rate));
        Some(Bucket {
            caller: caller.to_owned(),
            rate,
            limiter: RateLimiter::direct(quota),
        })
    }
}

impl Bucket {
    /// Takes one call out.
    pub(super) fn take(&self) -> Result<(), Refusal> {
        self.limiter.check().map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let (caller, rate) = (&self.caller, self.rate);
            let message = format!("{caller} has used up its {rate} calls per second");
            Refusal::new(Code::ResourceExhausted, "QUOTA_EXCEEDED", message)
                .quota(format!("caller:{caller}"), format!("{rate} calls per second"))
                .with("calls_per_second", rate)
                .retry_after(wait)
        })
    }
}
