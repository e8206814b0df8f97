//! Answers from what the process keeps: kept items, under the stock of this moment.

use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use tandem_domain::attribution::{Answered, Mark};
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{DropReason, Footing, Item};
use tandem_runtime::status::Refusal;

use super::{RelatedProductsApi, Shown};
use crate::availability::Reading;
use crate::failure::Failure;
use crate::freshness::Freshness;
use crate::market::Market;
use crate::meters::{Drops, Outcome};
use crate::near::{Entry, Kept, Laid, Lines, Lists, Page, Signature, Sink};
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
        place.still_in(entry.generation)?;
        let mut answer = unary::sheet(LIST_BYTES);
        let head = answer.len();
        let mut sheet = Sheet::new(market, ask);
        let mut footing = ask.footing(&sheet.stock, &anchor);
        let mut laid = sheet.lay(lists(&entry, &anchor)?.on(footing), 1, &mut answer);
        if laid.is_none() {
            entry = sole(
                related.entries(market, anchors, ask, Want::WholeList).await?,
                &anchor,
            )?;
            place.still_in(entry.generation)?;
            answer.truncate(head);
            sheet = Sheet::new(market, ask);
            footing = ask.footing(&sheet.stock, &anchor);
            laid = sheet.lay(lists(&entry, &anchor)?.on(footing), 1, &mut answer);
        }
        let laid = sheet.hidden(footing, laid.unwrap_or(Laid::NOTHING), &mut answer, head);
        let laid = sheet.judged(laid, &mut answer, head);
        let freshness = sheet.freshness;
        self.desk.meters().drops(&sheet.drops);
        if laid.more {
            let next = ask.window.offset + laid.shown;
            wire::put_text(&mut answer, 2, &page::token(bond, entry.generation, next));
        }
        wire::put_number(&mut answer, 3, entry.generation);
        wire::put_freshness(&mut answer, 4, freshness);
        wire::put_number(&mut answer, 6, wire::supply(footing.supply));
        let signature = &lists(&entry, &anchor)?.signature;
        self.sign(&sheet, signature, market, (entry.generation, &anchor), |token| {
            wire::put_text(&mut answer, 7, token);
        });
        Ok((unary::written(answer), Outcome::of(freshness, laid.shown)))
    }

    /// Writes the token of the page that was laid last: an entry's answers are mostly the same one, and of the same
    /// surface, generation and anchor.
    fn sign(
        &self,
        sheet: &Sheet<'_>,
        signature: &Signature,
        market: &Market,
        (generation, anchor): (u64, &ProductId),
        write: impl FnOnce(&str),
    ) {
        let (ask, marks) = (sheet.ask, &sheet.marks);
        let shown = Shown {
            marks,
            explored: None,
        };
        let token = || self.token(market, ask, generation, Some(anchor), shown);
        signature.token(ask.window.offset, marks, token, write);
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
        let sheet = Sheet::new(market, ask);
        let short: Vec<usize> = (0..entries.len())
            .filter(|at| sheet.falls_short(&entries[*at], &anchors[*at]))
            .collect();
        if !short.is_empty() {
            let anchors: Vec<ProductId> = short.iter().map(|at| anchors[*at].clone()).collect();
            let complete = related.entries(market, &anchors, ask, Want::WholeList).await?;
            short
                .into_iter()
                .zip(complete)
                .for_each(|(at, entry)| entries[at] = entry);
        }
        let generation = entries.first().map_or(0, |entry| entry.generation);
        if entries.iter().any(|entry| entry.generation != generation) {
            return Ok(None);
        }
        let mut sheet = Sheet::new(market, ask);
        let mut answer = unary::sheet(LIST_BYTES * anchors.len());
        let mut list = Vec::with_capacity(LIST_BYTES);
        let (mut shown, mut missing) = (0, Vec::new());
        for (anchor, entry) in anchors.iter().zip(&entries) {
            let Kept::List(lists) = &entry.kept else {
                missing.push(anchor);
                continue;
            };
            list.clear();
            wire::put_text(&mut list, 1, anchor.as_str());
            let head = list.len();
            let footing = ask.footing(&sheet.stock, anchor);
            // Stock has moved since the lists were looked over: read anew.
            let Some(laid) = sheet.lay(lists.on(footing), 2, &mut list) else {
                return Ok(None);
            };
            let laid = sheet.hidden(footing, laid, &mut list, head);
            let laid = sheet.judged(laid, &mut list, head);
            shown += laid.shown;
            wire::put_number(&mut list, 4, wire::supply(footing.supply));
            self.sign(&sheet, &lists.signature, market, (generation, anchor), |token| {
                wire::put_text(&mut list, 5, token);
            });
            wire::put_message(&mut answer, 1, &list);
        }
        let freshness = sheet.freshness;
        self.desk.meters().drops(&sheet.drops);
        missing
            .iter()
            .for_each(|id| wire::put_text(&mut answer, 2, id.as_str()));
        wire::put_number(&mut answer, 3, generation);
        wire::put_freshness(&mut answer, 4, freshness);
        Ok(Some((unary::written(answer), Outcome::of(freshness, shown))))
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
struct Sheet<'a> {
    stock: Reading,
    freshness: Freshness,
    ask: &'a Ask,
    drops: Drops,
    /// Of the items of the page that was written last.
    marks: Vec<Mark>,
}

impl<'a> Sheet<'a> {
    fn new(market: &Market, ask: &'a Ask) -> Self {
        Self {
            stock: ask.stock(market),
            freshness: freshness(market, &ask.surface),
            ask,
            drops: Drops::default(),
            marks: Vec::with_capacity(ask.window.size),
        }
    }

    /// Writes the page, each item as this field; `None` when it needs bestsellers that nobody has read.
    fn lay(&mut self, lines: &Lines, field: u8, answer: &mut Vec<u8>) -> Option<Laid> {
        let page = Page {
            stock: &self.stock,
            surface: &self.ask.surface,
            excluded: &self.ask.excluded,
            window: self.ask.window,
        };
        let before = answer.len();
        let mut drops = Drops::default();
        self.marks.clear();
        let mut sink = Sink {
            answer,
            marks: &mut self.marks,
            tag: wire::message(field),
        };
        let mut laid = lines.own.lay(&page, &mut sink, &mut drops);
        if !laid.more {
            if !lines.complete {
                return None;
            }
            if let Some(whole) = &lines.whole {
                sink.answer.truncate(before);
                sink.marks.clear();
                drops = Drops::default();
                laid = whole.lay(&page, &mut sink, &mut drops);
            }
        }
        self.drops.join(&drops);
        Some(laid)
    }

    /// Whether the page needs bestsellers that nobody has read.
    fn falls_short(&self, entry: &Entry, anchor: &ProductId) -> bool {
        match &entry.kept {
            Kept::List(lists) => {
                let lines = lists.on(self.ask.footing(&self.stock, anchor));
                !lines.complete && !lines.own.reaches_past(&self.page())
            }
            Kept::Missing | Kept::Vote(_) => false,
        }
    }

    fn page(&self) -> Page<'_> {
        Page {
            stock: &self.stock,
            surface: &self.ask.surface,
            excluded: &self.ask.excluded,
            window: self.ask.window,
        }
    }

    /// Leaves out the items from `head` on when the surface shows nothing around an anchor that runs low.
    fn hidden(&mut self, footing: Footing, laid: Laid, answer: &mut Vec<u8>, head: usize) -> Laid {
        if !footing.hidden {
            return laid;
        }
        answer.truncate(head);
        self.marks.clear();
        let hidden = u32::try_from(laid.shown).unwrap_or(u32::MAX);
        self.drops.add(DropReason::AnchorLow, hidden);
        Laid::NOTHING
    }

    /// Withholds the items from `head` on when nobody can vouch for their stock.
    fn judged(&mut self, laid: Laid, answer: &mut Vec<u8>, head: usize) -> Laid {
        if !self.freshness.suppressed {
            return laid;
        }
        answer.truncate(head);
        self.marks.clear();
        let withheld = u32::try_from(laid.shown).unwrap_or(u32::MAX);
        self.drops.add(DropReason::StaleStock, withheld);
        Laid::NOTHING
    }
}
