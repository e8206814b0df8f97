//! Answers kept in this process, in front of the cache that all gateways share.
//!
//! An entry holds what stock does not move: the encoded items of an anchor's list on a surface, in order, each with the
//! print that its stock is found by. It stands while the [`ledger`] says what it said when the entry's read began, while
//! its surface is the one on serve, and while the same links hold; stock is asked for at every answer. So a stock flip
//! invalidates nothing, and after an announced change of links, card, surface or generation no older entry is used.
//!
//! Entries are bounded by bytes; [`store`] says which ones stay.

mod flights;
mod key;
mod ledger;
mod line;
mod print;
mod store;
/// The atomics of [`ledger`], which its model check replaces.
mod sync {
    pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

use std::sync::Arc;
use std::time::Duration;

use tandem_domain::clock::Timestamp;
use tandem_domain::id::{CategoryId, MarketplaceId, SurfaceId};
use tandem_domain::overlay::{Footing, Marks, Slate, Span};
use tandem_domain::surface::Surface;
use tokio::time::Instant;

pub(crate) use flights::{Flights, Seat};
use key::Seeds;
pub(crate) use key::{Family, Key, Purpose};
pub(crate) use ledger::{Ledger, Ticket};
pub(crate) use line::{Laid, Line, Page, Sheet};
pub(crate) use print::{Held, Print, Printed};

use crate::config::NearConfig;
use crate::meters::Meters;
use crate::related::Relations;
use print::PRINT_BYTES;
use store::{Gone, Store};

/// Bytes of an entry besides its line: its place in the map, its slot, the counts.
const OVERHEAD: usize = 128;

/// What was found out about an anchor.
#[derive(Debug)]
pub(crate) enum Kept {
    /// No catalogue holds it.
    Missing,
    /// Its list.
    List(Lists),
    /// Its vote.
    Vote(Vote),
}

/// The list of an anchor, whatever its stock.
#[derive(Debug)]
pub(crate) struct Lists {
    /// While there is plenty of it.
    pub(crate) usual: Lines,
    /// With substitutes in front, where the surface wants them there when the anchor runs low.
    pub(crate) leading: Option<Lines>,
    /// The page that was answered last.
    pub(crate) printed: Printed,
}

impl Lists {
    /// The list of an anchor on this footing.
    pub(crate) fn on(&self, footing: Footing) -> &Lines {
        let leading = self.leading.as_ref().filter(|_| footing.lead.is_some());
        leading.unwrap_or(&self.usual)
    }

    fn both(&self) -> impl Iterator<Item = &Lines> {
        [&self.usual].into_iter().chain(&self.leading)
    }
}

/// One order of an anchor's companions.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Without bestsellers, unless they only follow.
    pub(crate) own: Line,
    /// With the bestsellers of the anchor's category, where they are more than a tail.
    pub(crate) whole: Option<Line>,
    /// Whether bestsellers, if the surface has them, were read.
    pub(crate) complete: bool,
}

impl Lines {
    fn size(&self) -> usize {
        self.own.size() + self.whole.as_ref().map_or(0, Line::size)
    }
}

/// What an anchor has to say in a basket.
#[derive(Debug)]
pub(crate) struct Vote {
    /// Its companions in the relations asked for.
    pub(crate) usual: Slate,
    /// The same with what leads while the anchor runs low, where the surface has it so.
    pub(crate) leading: Option<Slate>,
    /// Its links.
    pub(crate) marks: Marks,
    /// Its category, whose bestsellers fill up.
    pub(crate) category: Option<CategoryId>,
}

impl Vote {
    fn size(&self) -> usize {
        let slates = [Some(&self.usual), self.leading.as_ref()];
        slates.into_iter().flatten().map(Slate::size).sum::<usize>() + self.marks.size()
    }
}

/// What is kept of one anchor, and how long it stands.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What was found.
    pub(crate) kept: Kept,
    /// Generation that was read; 0 before the first.
    pub(crate) generation: u64,
    /// The surface it was made for.
    pub(crate) surface: Arc<Surface>,
    /// When the same links hold.
    pub(crate) span: Span,
    /// What the anchor's stock is found by.
    pub(crate) anchor: u64,
    /// What had been announced when the read began.
    pub(crate) ticket: Ticket,
    /// When the read was over.
    pub(crate) born: Instant,
}

impl Entry {
    /// Whether it may be an answer on `surface` at `now`.
    pub(crate) fn stands(
        &self,
        ledger: &Ledger,
        surface: &Arc<Surface>,
        now: impl Fn() -> Timestamp,
    ) -> bool {
        ledger.stands(&self.ticket)
            && Arc::ptr_eq(&self.surface, surface)
            && (self.span.is_everlasting() || self.span.holds(now()))
    }

    /// Whether it knows all that there is.
    pub(crate) fn is_complete(&self) -> bool {
        match &self.kept {
            Kept::Missing | Kept::Vote(_) => true,
            Kept::List(lists) => lists.both().all(|lines| lines.complete),
        }
    }

    fn size(&self) -> usize {
        let kept = match &self.kept {
            Kept::Missing => 0,
            Kept::Vote(vote) => vote.size(),
            Kept::List(lists) => PRINT_BYTES + lists.both().map(Lines::size).sum::<usize>(),
        };
        size_of::<Self>() + OVERHEAD + kept
    }
}

/// The entries of all marketplaces.
#[derive(Debug, Clone)]
pub(crate) struct Near {
    entries: Arc<Store<Entry>>,
    seeds: Seeds,
    max_age: Duration,
    meters: Arc<Meters>,
}

impl Near {
    /// Keeps what `config` has room for.
    pub(crate) fn new(config: &NearConfig, meters: Arc<Meters>) -> Self {
        let max_bytes = usize::try_from(config.max_bytes).unwrap_or(usize::MAX);
        Self {
            entries: Arc::new(Store::new(max_bytes)),
            seeds: Seeds::default(),
            max_age: config.max_age,
            meters,
        }
    }

    /// What is kept of anchors on a surface.
    pub(crate) fn family(
        &self,
        marketplace: &MarketplaceId,
        surface: &SurfaceId,
        relations: &Relations,
        purpose: Purpose,
    ) -> Family {
        self.seeds.family(marketplace, surface, relations, purpose)
    }

    /// The entry under `key`, if it `stands` and is not too old at this moment. Whoever looks tells
    /// [`Near::looked_up`].
    pub(crate) fn get(&self, key: Key, now: Instant, stands: impl Fn(&Entry) -> bool) -> Option<Arc<Entry>> {
        let young = |entry: &Entry| now.saturating_duration_since(entry.born) < self.max_age;
        let found = self.entries.get(key);
        found.filter(|entry| stands(entry) && young(entry))
    }

    /// Notes how many entries were there, and how many were not.
    pub(crate) fn looked_up(&self, hits: usize, misses: usize) {
        self.meters.looked_up(hits, misses);
    }

    /// Keeps `entry`, unless one that knows more is there already.
    pub(crate) fn keep(&self, key: Key, entry: &Arc<Entry>) {
        let knows_more = |known: &Entry| {
            known.ticket.is_newer_than(&entry.ticket)
                || known.ticket == entry.ticket && known.is_complete() && !entry.is_complete()
        };
        let went = |why, entry: &Entry| {
            let why = match why {
                Gone::Replaced => "replaced",
                Gone::Evicted => "evicted",
            };
            self.meters.left(why, entry.born.elapsed());
        };
        self.entries
            .put(key, Arc::clone(entry), entry.size(), knows_more, went);
    }

    /// Entries, and their bytes.
    pub(crate) fn load(&self) -> (u64, u64) {
        self.entries.load()
    }
}
