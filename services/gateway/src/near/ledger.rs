//! What was announced, and with it which entries still stand.
//!
//! Every fill begins with a [`Ticket`], before it reads anything. An announcement moves the stamp of its product, a
//! change of the whole marketplace moves the era, and an entry stands while its ticket says what the ledger says. So
//! whatever was read before an announcement never stands after it: no matter when it is kept, and nothing has to be
//! found and removed. Products share stamps; an announcement then costs a neighbour one more read.

use super::sync::{AtomicBool, AtomicU64, Ordering};

/// The announcements of one marketplace that this process has heard.
#[derive(Debug)]
pub(crate) struct Ledger {
    era: AtomicU64,
    stamps: Box<[AtomicU64]>,
    /// Whether announcements are heard as they are made.
    attended: AtomicBool,
}

/// What the ledger said when a fill began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    era: u64,
    place: usize,
    stamp: u64,
}

impl Ticket {
    /// Whether this fill began with more announcements heard than `other`, of the same product.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        (self.era, self.stamp) > (other.era, other.stamp)
    }
}

impl Ledger {
    /// A ledger with 2^`bits` stamps, not attended yet.
    pub(crate) fn new(bits: u32) -> Self {
        let stamps = std::iter::repeat_with(|| AtomicU64::new(0)).take(1 << bits);
        Self {
            era: AtomicU64::new(0),
            stamps: stamps.collect(),
            attended: AtomicBool::new(false),
        }
    }

    /// For a fill of the product with this print. Read only after it was taken.
    pub(crate) fn ticket(&self, print: u64) -> Ticket {
        let place = self.place(print);
        Ticket {
            era: self.era.load(Ordering::Acquire),
            place,
            stamp: self.stamps[place].load(Ordering::Acquire),
        }
    }

    /// Whether nothing was announced since the ticket was taken.
    pub(crate) fn stands(&self, ticket: &Ticket) -> bool {
        self.era.load(Ordering::Acquire) == ticket.era
            && self.stamps[ticket.place].load(Ordering::Acquire) == ticket.stamp
    }

    /// Something about the product with this print changed.
    pub(crate) fn announce(&self, print: u64) {
        self.stamps[self.place(print)].fetch_add(1, Ordering::AcqRel);
    }

    /// Everything may have changed.
    pub(crate) fn turn(&self) {
        self.era.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether entries may be used: while announcements are not heard, nobody knows which ones stand.
    pub(crate) fn is_attended(&self) -> bool {
        self.attended.load(Ordering::Acquire)
    }

    /// Every announcement made so far was heard, and those to come will be.
    pub(crate) fn attend(&self) {
        self.attended.store(true, Ordering::Release);
    }

    /// Announcements may go unheard from here on.
    pub(crate) fn leave(&self) {
        self.attended.store(false, Ordering::Release);
    }

    fn place(&self, print: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of the print will do")]
        let bits = print as usize;
        bits & (self.stamps.len() - 1)
    }
}
