//! Answers from what the process keeps: kept items, under the stock of this moment.

use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use tandem_domain::attribution::Answered;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{DropReason, Item};
use tandem_runtime::status::Refusal;

use super::{RelatedProductsApi, Shown};
use crate::availability::Reading;
use crate::failure::Failure;
use crate::freshness::Freshness;
use crate::market::Market;
use crate::meters::{Drops, Outcome};
use crate::near::{Entry, Held, Kept, Laid, Lines, Lists, Page, Print, Sheet};
use crate::page::{self, Bond, Place};
use crate::related::{Ask, KeptBasket, Want, freshness};
use crate::rpc::unary;
use crate::wire;

/// What a list of twenty takes, roughly.
const LIST_BYTES: usize = 1_000;
/// What most items take.
const ITEM_BYTES: usize = 128;

impl RelatedProductsApi {
    /// One list.
    pub(super) async fn kept_list(
        &self,
        market: &Arc<Market>,
        anchor: ProductId,
        ask: &Ask,
        place: Place,
        bond: Bond,
    ) -> Result<(Bytes, Outcome), Refusal> {
        let related = self.desk.related();
        let anchors = slice::from_ref(&anchor);
        let mut entry = match related.at_hand(market, &anchor, ask) {
            Some(entry) => entry,
            None => sole(related.entries(market, anchors, ask, Want::List).await?, &anchor)?,
        };
        let (mut moment, page) = loop {
            place.still_in(entry.generation)?;
            let moment = Moment::new(market, ask);
            if let Some(page) = self.page(&moment, market, &entry, &anchor)? {
                break (moment, page);
            }
            // One that is whole has a page, whatever its stock.
            let whole = related.entries(market, anchors, ask, Want::WholeList);
            entry = sole(whole.await?, &anchor)?;
        };
        let print = moment.shown(&page);
        let laid = print.map_or(Laid::NOTHING, Print::laid);
        let mut answer = unary::sheet(LIST_BYTES);
        if let Some(print) = print {
            print.put_items(wire::message(1), &mut answer);
        }
        if laid.more {
            let next = ask.window.offset + laid.shown;
            wire::put_text(&mut answer, 2, &page::token(bond, entry.generation, next));
        }
        wire::put_number(&mut answer, 3, entry.generation);
        wire::put_freshness(&mut answer, 4, moment.freshness);
        wire::put_number(&mut answer, 6, wire::supply(page.footing().supply));
        wire::put_text(&mut answer, 7, print.map_or("", Print::token));
        self.desk.meters().drops(&moment.drops);
        Ok((unary::written(answer), Outcome::of(moment.freshness, laid.shown)))
    }

    /// The page of an entry under the stock of this moment, printed anew where that has moved; `None` when it needs
    /// bestsellers that nobody has read.
    fn page(
        &self,
        moment: &Moment<'_>,
        market: &Market,
        entry: &Entry,
        anchor: &ProductId,
    ) -> Result<Option<Held>, Failure> {
        let lists = lists(entry, anchor)?;
        let Moment { stock, ask, .. } = moment;
        let (window, is_usual) = (ask.window, ask.excluded.is_empty());
        let footing = || ask.footing(stock.at(entry.anchor));
        if is_usual && let Some(print) = lists.printed.standing(window, stock, footing) {
            return Ok(Some(print));
        }
        let footing = footing();
        let Some((sheet, laid)) = moment.lay(lists.on(footing)) else {
            return Ok(None);
        };
        let shown = Shown {
            marks: &sheet.marks,
            explored: None,
        };
        let token = self.token(market, ask, entry.generation, Some(anchor), shown);
        let print = Print::of(window, footing, (sheet, laid), &token, stock);
        Ok(Some(if is_usual {
            lists.printed.keep(print)
        } else {
            Held::once(print)
        }))
    }

    /// The token of an answer or of a list in it.
    pub(super) fn token(
        &self,
        market: &Market,
        ask: &Ask,
        generation: u64,
        anchor: Option<&ProductId>,
        Shown { marks, explored }: Shown<'_>,
    ) -> String {
        let answer = Answered {
            marketplace: market.id(),
            surface: &ask.surface,
            generation,
            anchor,
            offset: ask.window.offset,
            explored,
        };
        self.desk.token(&answer, marks.iter().copied())
    }

    /// Many lists; `None` when the entries are of more than one generation, which an answer never mixes, or do not reach.
    pub(super) async fn kept_batch(
        &self,
        market: &Arc<Market>,
        anchors: &[ProductId],
        ask: &Ask,
    ) -> Result<Option<(Bytes, Outcome)>, Refusal> {
        let related = self.desk.related();
        let mut entries = related.entries(market, anchors, ask, Want::List).await?;
        if entries.len() != anchors.len() {
            return Ok(None);
        }
        let mut lists = self.written(market, anchors, &entries, ask)?;
        if !lists.short.is_empty() {
            let short: Vec<ProductId> = lists.short.iter().map(|at| anchors[*at].clone()).collect();
            let complete = related.entries(market, &short, ask, Want::WholeList).await?;
            let places = std::mem::take(&mut lists.short).into_iter();
            places.zip(complete).for_each(|(at, entry)| entries[at] = entry);
            lists = self.written(market, anchors, &entries, ask)?;
        }
        let generation = entries.first().map_or(0, |entry| entry.generation);
        let is_mixed = entries.iter().any(|entry| entry.generation != generation);
        // They reached when they were read, and stock has moved since.
        if is_mixed || !lists.short.is_empty() {
            return Ok(None);
        }
        let Batch {
            mut answer,
            moment,
            shown,
            missing,
            short: _,
        } = lists;
        self.desk.meters().drops(&moment.drops);
        for id in missing {
            wire::put_text(&mut answer, 2, id.as_str());
        }
        wire::put_number(&mut answer, 3, generation);
        wire::put_freshness(&mut answer, 4, moment.freshness);
        Ok(Some((
            unary::written(answer),
            Outcome::of(moment.freshness, shown),
        )))
    }

    /// The lists of entries, written one behind the other.
    fn written<'a>(
        &self,
        market: &Market,
        anchors: &'a [ProductId],
        entries: &[Arc<Entry>],
        ask: &'a Ask,
    ) -> Result<Batch<'a>, Failure> {
        let mut batch = Batch {
            answer: unary::sheet(LIST_BYTES * anchors.len()),
            moment: Moment::new(market, ask),
            shown: 0,
            missing: Vec::new(),
            short: Vec::new(),
        };
        for (at, (anchor, entry)) in anchors.iter().zip(entries).enumerate() {
            if !matches!(entry.kept, Kept::List(_)) {
                batch.missing.push(anchor);
                continue;
            }
            match self.page(&batch.moment, market, entry, anchor)? {
                Some(page) => batch.put(anchor, &page),
                None => batch.short.push(at),
            }
        }
        Ok(batch)
    }
}

/// Lists as they are written.
struct Batch<'a> {
    answer: Vec<u8>,
    moment: Moment<'a>,
    shown: usize,
    /// What no catalogue holds.
    missing: Vec<&'a ProductId>,
    /// Which need bestsellers that nobody has read, and are not written.
    short: Vec<usize>,
}

impl Batch<'_> {
    /// Writes the list of an anchor.
    fn put(&mut self, anchor: &ProductId, page: &Print) {
        let print = self.moment.shown(page);
        let (anchor, token) = (anchor.as_str(), print.map_or("", Print::token));
        let supply = wire::supply(page.footing().supply);
        let length = wire::text_len(anchor)
            + print.map_or(0, Print::items_len)
            + wire::number_len(supply)
            + wire::text_len(token);
        let answer = &mut self.answer;
        wire::open_message(answer, 1, length);
        wire::put_text(answer, 1, anchor);
        if let Some(print) = print {
            self.shown += print.laid().shown;
            print.put_items(wire::message(2), answer);
        }
        wire::put_number(answer, 4, supply);
        wire::put_text(answer, 5, token);
    }
}

/// The answer for a basket; `sign` gives its token.
pub(super) fn basket(
    market: &Market,
    basket: KeptBasket,
    ask: &Ask,
    sign: impl FnOnce(u64, &[Item]) -> String,
) -> (Bytes, Outcome, Drops) {
    let KeptBasket {
        generation,
        items,
        mut drops,
        missing,
    } = basket;
    let freshness = freshness(market, &ask.surface);
    let mut shown = items.len();
    let mut answer = unary::sheet(LIST_BYTES);
    if freshness.suppressed {
        drops.add(DropReason::StaleStock, u32::try_from(shown).unwrap_or(u32::MAX));
        shown = 0;
    }
    let mut offer = Vec::with_capacity(ITEM_BYTES);
    for item in &items[..shown] {
        offer.clear();
        wire::put_offer(&mut offer, &item.offer);
        wire::put_item(&mut answer, wire::message(1), &offer, item.vouched, item.adjusted);
    }
    for product in &missing {
        wire::put_text(&mut answer, 2, product.as_str());
    }
    wire::put_number(&mut answer, 3, generation);
    wire::put_freshness(&mut answer, 4, freshness);
    wire::put_text(&mut answer, 6, &sign(generation, &items[..shown]));
    (unary::written(answer), Outcome::of(freshness, shown), drops)
}

fn sole(entries: Vec<Arc<Entry>>, anchor: &ProductId) -> Result<Arc<Entry>, Failure> {
    entries
        .into_iter()
        .next()
        .ok_or_else(|| Failure::UnknownProduct(anchor.clone()))
}

fn lists<'a>(entry: &'a Entry, anchor: &ProductId) -> Result<&'a Lists, Failure> {
    match &entry.kept {
        Kept::List(lists) => Ok(lists),
        Kept::Missing | Kept::Vote(_) => Err(Failure::UnknownProduct(anchor.clone())),
    }
}

/// What one answer is laid out with.
struct Moment<'a> {
    stock: Reading,
    freshness: Freshness,
    ask: &'a Ask,
    drops: Drops,
}

impl<'a> Moment<'a> {
    fn new(market: &Market, ask: &'a Ask) -> Self {
        Self {
            stock: ask.stock(market),
            freshness: freshness(market, &ask.surface),
            ask,
            drops: Drops::default(),
        }
    }

    /// Lays the page; `None` when it needs bestsellers that nobody has read.
    fn lay(&self, lines: &Lines) -> Option<(Sheet, Laid)> {
        let page = Page {
            stock: &self.stock,
            surface: &self.ask.surface,
            excluded: &self.ask.excluded,
            window: self.ask.window,
        };
        let (own, laid) = lines.own.lay(&page);
        if laid.more {
            return Some((own, laid));
        }
        if !lines.complete {
            return None;
        }
        let Some(whole) = &lines.whole else {
            return Some((own, laid));
        };
        let (mut sheet, laid) = whole.lay(&page);
        // That its own companions do not fill the page hangs on their stock.
        sheet.seen.extend(own.seen);
        Some((sheet, laid))
    }

    /// What is shown of a page. Nothing is when nobody can vouch for its stock, or when the surface shows nothing around an
    /// anchor that runs low.
    fn shown<'p>(&mut self, page: &'p Print) -> Option<&'p Print> {
        self.drops.join(page.drops());
        let reason = match (self.freshness.suppressed, page.footing().hidden) {
            (false, false) => return Some(page),
            (true, _) => DropReason::StaleStock,
            (false, true) => DropReason::AnchorLow,
        };
        let held_back = u32::try_from(page.laid().shown).unwrap_or(u32::MAX);
        self.drops.add(reason, held_back);
        None
    }
}
