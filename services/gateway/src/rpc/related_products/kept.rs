//! Answers from what the process keeps: kept items, under the stock of this moment.

use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::DropReason;
use tandem_runtime::status::Refusal;

use super::RelatedProductsApi;
use crate::availability::Reading;
use crate::failure::Failure;
use crate::freshness::Freshness;
use crate::market::Market;
use crate::meters::{Drops, Outcome};
use crate::near::{Entry, Kept, Laid, Lines, Page};
use crate::page::{self, Bond, Place};
use crate::related::{Ask, freshness};
use crate::wire;

/// What a list of twenty takes, roughly.
const LIST_BYTES: usize = 1_536;

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
            None => sole(related.entries(market, anchors, ask, false).await?, &anchor)?,
        };
        place.still_in(entry.generation)?;
        let mut answer = Vec::with_capacity(LIST_BYTES);
        let mut sheet = Sheet::new(market, ask);
        let mut laid = sheet.lay(lines(&entry, &anchor)?, 1, &mut answer);
        if laid.is_none() {
            entry = sole(related.entries(market, anchors, ask, true).await?, &anchor)?;
            place.still_in(entry.generation)?;
            answer.clear();
            sheet = Sheet::new(market, ask);
            laid = sheet.lay(lines(&entry, &anchor)?, 1, &mut answer);
        }
        let (laid, freshness) = sheet.judged(market, laid.unwrap_or(Laid::NOTHING), &mut answer);
        self.desk.meters().drops(&sheet.drops);
        if laid.more {
            let next = ask.window.offset + laid.shown;
            wire::put_text(&mut answer, 2, &page::token(bond, entry.generation, next));
        }
        wire::put_number(&mut answer, 3, entry.generation);
        wire::put_freshness(&mut answer, 4, freshness);
        Ok((answer.into(), Outcome::of(freshness, laid.shown)))
    }

    /// Many lists; `None` when the entries are of more than one generation, which an answer never mixes.
    pub(super) async fn kept_batch(
        &self,
        market: &Arc<Market>,
        anchors: &[ProductId],
        ask: &Ask,
    ) -> Result<Option<(Bytes, Outcome)>, Refusal> {
        let related = self.desk.related();
        let mut entries = related.entries(market, anchors, ask, false).await?;
        if entries.len() != anchors.len() {
            return Ok(None);
        }
        let mut sheet = Sheet::new(market, ask);
        let short: Vec<usize> = (0..entries.len())
            .filter(|at| sheet.falls_short(&entries[*at]))
            .collect();
        if !short.is_empty() {
            let anchors: Vec<ProductId> = short.iter().map(|at| anchors[*at].clone()).collect();
            let complete = related.entries(market, &anchors, ask, true).await?;
            short
                .into_iter()
                .zip(complete)
                .for_each(|(at, entry)| entries[at] = entry);
        }
        let generation = entries.first().map_or(0, |entry| entry.generation);
        if entries.iter().any(|entry| entry.generation != generation) {
            return Ok(None);
        }
        let mut answer = Vec::with_capacity(LIST_BYTES * anchors.len());
        let mut list = Vec::with_capacity(LIST_BYTES);
        let (mut shown, mut missing) = (0, Vec::new());
        for (anchor, entry) in anchors.iter().zip(&entries) {
            let Kept::List(lines) = &entry.kept else {
                missing.push(anchor);
                continue;
            };
            list.clear();
            wire::put_text(&mut list, 1, anchor.as_str());
            let head = list.len();
            let laid = sheet.lay(lines, 2, &mut list).unwrap_or(Laid::NOTHING);
            let (laid, _) = sheet.judged_from(market, laid, &mut list, head);
            shown += laid.shown;
            wire::put_message(&mut answer, 1, &list);
        }
        let freshness = freshness(market, &ask.surface);
        self.desk.meters().drops(&sheet.drops);
        missing
            .iter()
            .for_each(|id| wire::put_text(&mut answer, 2, id.as_str()));
        wire::put_number(&mut answer, 3, generation);
        wire::put_freshness(&mut answer, 4, freshness);
        Ok(Some((answer.into(), Outcome::of(freshness, shown))))
    }
}

fn sole(entries: Vec<Arc<Entry>>, anchor: &ProductId) -> Result<Arc<Entry>, Failure> {
    entries
        .into_iter()
        .next()
        .ok_or_else(|| Failure::UnknownProduct(anchor.clone()))
}

fn lines<'a>(entry: &'a Entry, anchor: &ProductId) -> Result<&'a Lines, Failure> {
    match &entry.kept {
        Kept::List(lines) => Ok(lines),
        Kept::Missing => Err(Failure::UnknownProduct(anchor.clone())),
    }
}

/// What one answer is laid out with.
struct Sheet<'a> {
    stock: Reading,
    ask: &'a Ask,
    drops: Drops,
}

impl<'a> Sheet<'a> {
    fn new(market: &Market, ask: &'a Ask) -> Self {
        Self {
            stock: market.shelf().normal(),
            ask,
            drops: Drops::default(),
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
        let tag = wire::message(field);
        let before = answer.len();
        let mut drops = Drops::default();
        let mut laid = lines.own.lay(&page, tag, answer, &mut drops);
        if !laid.more {
            if !lines.complete {
                return None;
            }
            if let Some(whole) = &lines.whole {
                answer.truncate(before);
                drops = Drops::default();
                laid = whole.lay(&page, tag, answer, &mut drops);
            }
        }
        self.drops.join(&drops);
        Some(laid)
    }

    fn falls_short(&mut self, entry: &Entry) -> bool {
        match &entry.kept {
            Kept::List(lines) if !lines.complete => {
                let drops = std::mem::take(&mut self.drops);
                let short = self.lay(lines, 2, &mut Vec::with_capacity(LIST_BYTES)).is_none();
                self.drops = drops;
                short
            }
            Kept::List(_) | Kept::Missing => false,
        }
    }

    fn judged(&mut self, market: &Market, laid: Laid, answer: &mut Vec<u8>) -> (Laid, Freshness) {
        self.judged_from(market, laid, answer, 0)
    }

    /// Withholds the items from `head` on when nobody can vouch for their stock.
    fn judged_from(
        &mut self,
        market: &Market,
        laid: Laid,
        answer: &mut Vec<u8>,
        head: usize,
    ) -> (Laid, Freshness) {
        let freshness = freshness(market, &self.ask.surface);
        if !freshness.suppressed {
            return (laid, freshness);
        }
        answer.truncate(head);
        let withheld = u32::try_from(laid.shown).unwrap_or(u32::MAX);
        self.drops.add(DropReason::StaleStock, withheld);
        (Laid::NOTHING, freshness)
    }
}
