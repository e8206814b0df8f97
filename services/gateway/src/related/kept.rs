//! Lists from what this process keeps; what it does not keep is read once, whoever asks.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::join_all;
use tandem_domain::edge::Source;
use tandem_domain::id::{CategoryId, ProductId};
use tandem_domain::overlay::{Line as Order, Offer, Order as Lineup, Rules, Span};
use tandem_domain::relation::Relation;
use tokio::time::Instant;

use super::gather::{Anchor, Gathered};
use super::{Ask, Depth, Related};
use crate::failure::Failure;
use crate::market::Market;
use crate::near::{
    Entry, Family, Flights, Kept, Key, Line, Lines, Lists, Near, Printed, Purpose, Seat, Ticket, Vote,
};
use crate::read::{Edition, Result};

/// What one read makes of its anchors. A failure is everyone's who waited for it.
type Found = std::result::Result<Arc<[Arc<Entry>]>, Arc<Failure>>;

/// What is wanted of an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// Its list.
    List,
    /// Its list, with the bestsellers behind it.
    WholeList,
    /// Its vote in a basket.
    Vote,
}

impl Want {
    const fn purpose(self) -> Purpose {
        match self {
            Self::List | Self::WholeList => Purpose::List,
            Self::Vote => Purpose::Vote,
        }
    }
}

/// What a read under way was begun for.
#[derive(Debug)]
pub(super) struct Begun {
    ticket: Ticket,
    surface: Arc<tandem_domain::surface::Surface>,
    want: Want,
}

/// Reads under way.
pub(super) type UnderWay = Flights<Begun, Found>;

/// An anchor to be read, with what had been announced before.
struct Wanted {
    key: Key,
    anchor: ProductId,
    print: u64,
    ticket: Ticket,
}

impl Ask {
    fn family(&self, near: &Near, market: &Market, purpose: Purpose) -> Family {
        near.family(market.id(), &self.surface.id, &self.relations, purpose)
    }
}

impl Related {
    /// Whether an ask can be answered from entries: only plain ones can, details are read for each answer, and entries
    /// are of use only while announcements are heard.
    pub(crate) fn keeps(&self, market: &Market, ask: &Ask) -> bool {
        self.near.is_some() && ask.depth == Depth::Basic && ask.is_plain() && market.ledger().is_attended()
    }

    /// The entry of one anchor's list, if this process keeps one that stands.
    pub(crate) fn at_hand(&self, market: &Market, anchor: &ProductId, ask: &Ask) -> Option<Arc<Entry>> {
        let near = self.near.as_ref()?;
        let key = ask.family(near, market, Purpose::List).key(anchor);
        let entry = self.standing(near, market, key, ask, Instant::now());
        if entry.is_some() {
            near.looked_up(1, 0);
        }
        entry
    }

    /// The entries of anchors, in their order.
    ///
    /// # Errors
    /// When the cache does not answer.
    pub(crate) async fn entries(
        &self,
        market: &Arc<Market>,
        anchors: &[ProductId],
        ask: &Ask,
        want: Want,
    ) -> Result<Vec<Arc<Entry>>> {
        let Some(near) = &self.near else {
            return Ok(Vec::new());
        };
        let family = ask.family(near, market, want.purpose());
        let keys: Vec<Key> = anchors.iter().map(|anchor| family.key(anchor)).collect();
        let now = Instant::now();
        let mut missed = Vec::new();
        let mut entries = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            match self.standing(near, market, *key, ask, now) {
                Some(entry) if want != Want::WholeList || entry.is_complete() => entries.push(entry),
                _ => missed.push(at),
            }
        }
        near.looked_up(entries.len(), missed.len());
        if !missed.is_empty() {
            let keys: Vec<Key> = missed.iter().map(|at| keys[*at]).collect();
            let anchors: Vec<ProductId> = missed.iter().map(|at| anchors[*at].clone()).collect();
            let read = self.read_once(near, market, &keys, &anchors, ask, want).await?;
            // Places of what was missed rise, so each goes in behind all that stand before it.
            for (at, entry) in missed.into_iter().zip(read) {
                entries.insert(at, entry);
            }
        }
        Ok(entries)
    }

    fn standing(
        &self,
        near: &Near,
        market: &Market,
        key: Key,
        ask: &Ask,
        now: Instant,
    ) -> Option<Arc<Entry>> {
        near.get(key, now, |entry| {
            entry.stands(market.ledger(), &ask.surface, || self.clock.now())
        })
    }

    /// Joins reads under way that began after the last announcement, and begins one for all others.
    async fn read_once(
        &self,
        near: &Near,
        market: &Arc<Market>,
        keys: &[Key],
        anchors: &[ProductId],
        ask: &Ask,
        want: Want,
    ) -> Result<Vec<Arc<Entry>>> {
        let suits = |_: usize, begun: &Begun| {
            market.ledger().stands(&begun.ticket)
                && Arc::ptr_eq(&begun.surface, &ask.surface)
                && (begun.want == want || begun.want == Want::WholeList)
        };
        let _landing = self.under_way.landing(keys);
        let flights = self.under_way.join(keys, suits, |alone| {
            let prints = market.shelf().normal();
            let wanted = alone.iter().map(|at| {
                let print = prints.print(anchors[*at].as_str());
                Wanted {
                    key: keys[*at],
                    anchor: anchors[*at].clone(),
                    print,
                    ticket: market.ledger().ticket(print),
                }
            });
            let wanted: Vec<Wanted> = wanted.collect();
            let begun: Vec<Begun> = wanted
                .iter()
                .map(|wanted| Begun {
                    ticket: wanted.ticket,
                    surface: Arc::clone(&ask.surface),
                    want,
                })
                .collect();
            let ask = Ask {
                excluded: Default::default(),
                ..ask.clone()
            };
            let (related, near, market) = (self.clone(), near.clone(), Arc::clone(market));
            let read = async move {
                let read = related.read_anew(&near, &market, wanted, ask, want).await;
                read.map(Arc::from).map_err(Arc::new)
            };
            (begun, read.boxed())
        });
        let land = async |seat: Seat<Found>| seat.flight.await.map(|read| Arc::clone(&read[seat.at]));
        let read = join_all(flights.into_iter().map(land)).await;
        read.into_iter()
            .collect::<std::result::Result<_, _>>()
            .map_err(Failure::Shared)
    }

    /// One round of reads for anchors that nobody has; keeps what it finds.
    async fn read_anew(
        &self,
        near: &Near,
        market: &Market,
        wanted: Vec<Wanted>,
        ask: Ask,
        want: Want,
    ) -> Result<Vec<Arc<Entry>>> {
        // Taken after the tickets: a swap in between makes the entries fall, never stand.
        let manifest = market.manifest();
        let edition = Edition::of(market.id(), manifest.as_deref());
        let anchors: Vec<ProductId> = wanted.iter().map(|wanted| wanted.anchor.clone()).collect();
        let Gathered { found, missing: _ } = self.gather(edition, &anchors, &ask).await?;
        let known: Vec<(ProductId, Span, Kept)> = if want == Want::Vote {
            let stock = market.shelf().normal();
            let vote = |anchor: Anchor| {
                let vote = Vote {
                    usual: anchor.slate(&ask, None, &stock),
                    leading: ask.may_lead().map(|lead| anchor.slate(&ask, Some(lead), &stock)),
                    marks: anchor.marks,
                    category: anchor.card.category,
                };
                (anchor.card.id, anchor.span, Kept::Vote(vote))
            };
            found.into_iter().map(vote).collect()
        } else {
            let whole = want == Want::WholeList;
            let lists = self.lists(market, edition, &found, &ask, whole).await?;
            let list = |(anchor, lists): (Anchor, Lists)| (anchor.card.id, anchor.span, Kept::List(lists));
            found.into_iter().zip(lists).map(list).collect()
        };
        // What was found stands in the order of what was wanted.
        let mut known = known.into_iter().peekable();
        let entry = |wanted: Wanted| {
            let (_, span, kept) = known.next_if(|(id, ..)| *id == wanted.anchor).unwrap_or((
                wanted.anchor,
                Span::default(),
                Kept::Missing,
            ));
            let entry = Arc::new(Entry {
                kept,
                generation: edition.generation(),
                surface: Arc::clone(&ask.surface),
                span,
                anchor: wanted.print,
                ticket: wanted.ticket,
                born: Instant::now(),
            });
            if market.ledger().stands(&wanted.ticket) {
                near.keep(wanted.key, &entry);
            }
            entry
        };
        Ok(wanted.into_iter().map(entry).collect())
    }

    /// The lists of anchors, and where the surface has it so, those of the time when the anchors run low.
    async fn lists(
        &self,
        market: &Market,
        edition: Edition<'_>,
        anchors: &[Anchor],
        ask: &Ask,
        complete: bool,
    ) -> Result<Vec<Lists>> {
        let usual = self.lines(market, edition, anchors, ask, None, complete).await?;
        let lead = ask.may_lead();
        let leading = match lead {
            Some(_) => self.lines(market, edition, anchors, ask, lead, complete).await?,
            None => Vec::new(),
        };
        let mut leading = leading.into_iter();
        let lists = usual.into_iter().map(|usual| Lists {
            usual,
            leading: leading.next(),
            printed: Printed::default(),
        });
        Ok(lists.collect())
    }

    /// Bestsellers are read where they are asked for, and where a list cannot reach past the page without them.
    async fn lines(
        &self,
        market: &Market,
        edition: Edition<'_>,
        anchors: &[Anchor],
        ask: &Ask,
        lead: Option<Relation>,
        complete: bool,
    ) -> Result<Vec<Lines>> {
        let prints = market.shelf().normal();
        let mut lines: Vec<Lines> = anchors
            .iter()
            .map(|anchor| Lines {
                own: Line::of(&order(anchor, &[], ask, lead), lead, prints.table()),
                whole: None,
                complete: false,
            })
            .collect();
        let past = ask.window.offset + ask.window.size;
        let short: Vec<usize> = (0..lines.len())
            .filter(|at| complete || lines[*at].own.len() <= past)
            .collect();
        let groups: Vec<Vec<CategoryId>> = short
            .iter()
            .map(|at| anchors[*at].card.category.iter().cloned().collect())
            .collect();
        let bestsellers = self.bestsellers(edition, ask, &groups).await?;
        for (at, bestsellers) in short.into_iter().zip(bestsellers) {
            lines[at].complete = true;
            if bestsellers.is_empty() {
                continue;
            }
            let order = order(&anchors[at], &bestsellers, ask, lead);
            let whole = Line::of(&order, lead, prints.table());
            // As a mere tail they move nothing that stands before them.
            if ask.surface.fallback.last() == Some(&Source::Bestseller) && order.pins.is_empty() {
                lines[at].own = whole;
            } else {
                lines[at].whole = Some(whole);
            }
        }
        Ok(lines)
    }
}

fn order<'a>(
    anchor: &'a Anchor,
    bestsellers: &'a [Offer],
    ask: &Ask,
    lead: Option<Relation>,
) -> Order<&'a str> {
    let bestsellers = bestsellers.iter().map(Offer::named);
    let offers = anchor.offers(ask, lead).chain(bestsellers);
    let rules = Rules {
        surface: &ask.surface,
        relations: ask.relations.listed(&ask.surface),
        order: Lineup::Relations,
        lead,
        window: ask.window,
        attach: None,
        explore: None,
        terms: None,
    };
    Order::of(offers.collect(), &anchor.marks, &rules, |product| {
        product == anchor.id().as_str()
    })
}
