//! Waking those who wait for work that a transaction leaves behind.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// Who may be waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Relays of the outbox.
    Outbox,
    /// Workers that take jobs.
    Jobs,
    /// Workers that take stock from the inbox.
    StockInbox,
}

impl Wake {
    pub(crate) const ALL: [Self; 3] = [Self::Outbox, Self::Jobs, Self::StockInbox];

    /// The PostgreSQL channel.
    pub(crate) const fn channel(self) -> &'static str {
        match self {
            Self::Outbox => "tandem_outbox",
            Self::Jobs => "tandem_jobs",
            Self::StockInbox => "tandem_stock_inbox",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Outbox => 1,
            Self::Jobs => 2,
            Self::StockInbox => 4,
        }
    }
}

/// Whom a transaction will wake once it is committed.
#[derive(Debug, Default)]
pub(crate) struct WakeSet(AtomicU8);

impl WakeSet {
    pub(crate) fn add(&self, wake: Wake) {
        self.0.fetch_or(wake.bit(), Ordering::Relaxed);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Wake> + use<> {
        let set = self.0.load(Ordering::Relaxed);
        Wake::ALL.into_iter().filter(move |wake| set & wake.bit() != 0)
    }
}

/// Those who wait in this process.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    outbox: Notify,
    jobs: Notify,
    stock_inbox: Notify,
}

impl Wakes {
    pub(crate) const fn of(&self, wake: Wake) -> &Notify {
        match wake {
            Wake::Outbox => &self.outbox,
            Wake::Jobs => &self.jobs,
            Wake::StockInbox => &self.stock_inbox,
        }
    }
}
