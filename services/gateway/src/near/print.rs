//! The page of a kept list that was answered last, as it was written, for as long as the stock that it was written from
//! stays the same: then it is copied, and nothing is judged, encoded or signed again. Where no stock has moved at all since
//! it was last looked at, the stock is not looked at either.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwapOption, Guard};
use tandem_domain::overlay::{Footing, Window};

use super::line::{Laid, Sheet, TAG};
use crate::availability::{Reading, Sight};
use crate::meters::Drops;
use crate::wire;

/// What a print may take of an entry's memory: some twenty-five items, the products looked at for them, and a token. A longer
/// page is written anew each time.
pub(crate) const PRINT_BYTES: usize = 2_048;

/// No count of moves.
const NEVER: u64 = u64::MAX;

/// The last print of a list.
#[derive(Debug, Default)]
pub(crate) struct Printed(ArcSwapOption<Print>);

/// A print, whether it is kept or not.
#[derive(Debug)]
pub(crate) struct Held(Guard<Option<Arc<Print>>>);

/// One page of a list, ready to be copied into an answer.
#[derive(Debug)]
pub(crate) struct Print {
    window: Window,
    footing: Footing,
    /// The moves of the stock at which it was last seen to stand.
    stood: AtomicU64,
    seen: Box<[(u64, Sight)]>,
    /// Items, and the token behind them.
    bytes: Box<[u8]>,
    token_at: usize,
    laid: Laid,
    drops: Drops,
}

impl Printed {
    /// The last print, if it is of this page and what it was written from stands in `stock`: the products that were looked
    /// at, and the `footing` of the anchor.
    pub(crate) fn standing(
        &self,
        window: Window,
        stock: &Reading,
        footing: impl Fn() -> Footing,
    ) -> Option<Held> {
        let last = self.0.load();
        let stands = last
            .as_deref()
            .is_some_and(|print| print.window == window && print.stands(stock, footing));
        stands.then_some(Held(last))
    }

    /// Keeps a print in place of the last one, unless it is too long. What its token tells besides the items must be the
    /// same for every call.
    pub(crate) fn keep(&self, print: Print) -> Held {
        if print.size() > PRINT_BYTES {
            return Held::once(print);
        }
        let print = Arc::new(print);
        self.0.store(Some(Arc::clone(&print)));
        Held(Guard::from_inner(Some(print)))
    }
}

impl Held {
    /// A print for one answer only.
    pub(crate) fn once(print: Print) -> Self {
        Self(Guard::from_inner(Some(Arc::new(print))))
    }
}

impl Deref for Held {
    type Target = Print;

    fn deref(&self) -> &Print {
        self.0.as_deref().expect("it is only made of a print")
    }
}

impl Print {
    /// A page as it was laid over `stock`, with its token.
    pub(crate) fn of(
        window: Window,
        footing: Footing,
        (sheet, laid): (Sheet, Laid),
        token: &str,
        stock: &Reading,
    ) -> Self {
        let Sheet {
            mut items,
            seen,
            drops,
            marks: _,
        } = sheet;
        let token_at = items.len();
        items.extend_from_slice(token.as_bytes());
        Self {
            window,
            footing,
            stood: AtomicU64::new(stock.moves().unwrap_or(NEVER)),
            seen: seen.into(),
            bytes: items.into(),
            token_at,
            laid,
            drops,
        }
    }

    fn size(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.seen) + self.bytes.len()
    }

    /// Whether `stock` says of the anchor and of every product what it said when this was laid.
    fn stands(&self, stock: &Reading, footing: impl Fn() -> Footing) -> bool {
        let shows = || self.footing == footing() && self.shows(stock);
        let Some(moves) = stock.moves() else {
            return shows();
        };
        // The count says all that is read under it: nothing else hangs on its order.
        if self.stood.load(Ordering::Relaxed) == moves {
            return true;
        }
        let stands = shows();
        if stands {
            self.stood.store(moves, Ordering::Relaxed);
        }
        stands
    }

    /// All products are looked at, even when the first one has moved: looks that wait for nothing go on at once.
    fn shows(&self, stock: &Reading) -> bool {
        let looks = self.seen.iter();
        looks.fold(true, |same, (print, seen)| same & (stock.look(*print) == *seen))
    }

    /// Writes the items, each as the field with this tag.
    pub(crate) fn put_items(&self, tag: u8, into: &mut Vec<u8>) {
        let begin = into.len();
        into.extend_from_slice(&self.bytes[..self.token_at]);
        if tag != TAG {
            wire::retag(&mut into[begin..], tag);
        }
    }

    /// What the anchor's stock did to the page.
    pub(crate) const fn footing(&self) -> Footing {
        self.footing
    }

    /// Bytes of the items, whatever their tag.
    pub(crate) const fn items_len(&self) -> usize {
        self.token_at
    }

    /// The token of its items; empty where there is none.
    pub(crate) fn token(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.token_at..]).unwrap_or_default()
    }

    /// What came of the page.
    pub(crate) const fn laid(&self) -> Laid {
        self.laid
    }

    /// What was left out.
    pub(crate) const fn drops(&self) -> &Drops {
        &self.drops
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tandem_domain::id::ProductId;
    use tandem_domain::stock::{Availability, PolicySet, Pool, SellableCount, Standing, Supply};
    use tandem_domain::surface::StockRules;

    use super::*;
    use crate::availability::Shelf;

    const WINDOW: Window = Window { offset: 0, size: 2 };
    const PLENTY: Footing = Footing {
        supply: Some(Supply::Plenty),
        lead: None,
        hidden: false,
        suspended: false,
    };

    fn product(name: &str) -> ProductId {
        ProductId::new(name).expect("a valid id")
    }

    fn units(units: u64) -> Availability {
        let units = SellableCount::saturating(units);
        Availability::Known(Standing::new(units, Supply::Plenty, PolicySet::default()))
    }

    fn print_of(names: &[&str], stock: &Reading) -> Print {
        let mut sheet = Sheet::default();
        for name in names {
            let print = stock.print(name);
            sheet.seen.push((print, stock.look(print)));
            wire::put_text(&mut sheet.items, 1, name);
        }
        let laid = Laid {
            shown: names.len(),
            more: false,
            below: 0,
        };
        Print::of(WINDOW, PLENTY, (sheet, laid), "signed", stock)
    }

    fn stands(printed: &Printed, stock: &Reading) -> bool {
        printed.standing(WINDOW, stock, || PLENTY).is_some()
    }

    #[test]
    fn a_print_stands_until_the_stock_of_one_of_its_products_moves() {
        let shelf = Shelf::default();
        shelf.set(&product("case"), &Pool::Normal, units(3));
        let printed = Printed::default();
        assert!(!stands(&printed, &shelf.normal()));
        printed.keep(print_of(&["case", "cable"], &shelf.normal()));
        assert!(stands(&printed, &shelf.normal()));

        shelf.set(&product("lamp"), &Pool::Normal, units(1));
        assert!(stands(&printed, &shelf.normal()), "another product");
        shelf.set(&product("case"), &Pool::Normal, units(2));
        assert!(!stands(&printed, &shelf.normal()), "fewer units");
        shelf.set(&product("case"), &Pool::Normal, units(3));
        assert!(stands(&printed, &shelf.normal()), "they are back");
        shelf.set(&product("cable"), &Pool::Normal, Availability::Delisted);
        assert!(!stands(&printed, &shelf.normal()), "unknown before");
    }

    #[test]
    fn a_print_falls_with_a_snapshot_that_says_otherwise() {
        let (shelf, printed) = (Shelf::default(), Printed::default());
        shelf.set(&product("case"), &Pool::Normal, units(3));
        printed.keep(print_of(&["case"], &shelf.normal()));
        let same = shelf.beside();
        same.set(&product("case"), &Pool::Normal, units(3));
        shelf.replace_by(same);
        assert!(stands(&printed, &shelf.normal()));
        shelf.replace_by(shelf.beside());
        assert!(!stands(&printed, &shelf.normal()));
    }

    #[test]
    fn a_print_of_one_pool_page_or_footing_is_none_of_another() {
        let shelf = Shelf::default();
        let room: Pool = "room:7".parse().expect("a pool");
        shelf.set(&product("case"), &Pool::Normal, units(3));
        let printed = Printed::default();
        printed.keep(print_of(&["case"], &shelf.normal()));
        shelf.set(&product("case"), &room, units(5));
        let rules = StockRules::default();
        let both = shelf.reading(&rules, Some(&room));
        assert!(!stands(&printed, &both));
        let next = Window { offset: 2, size: 2 };
        assert!(printed.standing(next, &shelf.normal(), || PLENTY).is_none());

        printed.keep(print_of(&["case"], &both));
        assert!(stands(&printed, &both));
        assert!(!stands(&printed, &shelf.normal()));
        let low = Footing {
            supply: Some(Supply::Low),
            ..PLENTY
        };
        assert!(printed.standing(WINDOW, &both, || low).is_none());
    }

    #[test]
    fn a_page_that_is_too_long_is_not_kept() {
        let (shelf, printed) = (Shelf::default(), Printed::default());
        let long = "x".repeat(128);
        let names = [long.as_str(); 20];
        let held = printed.keep(print_of(&names, &shelf.normal()));
        assert_eq!(held.token(), "signed");
        assert!(!stands(&printed, &shelf.normal()));
    }

    #[test]
    fn no_print_outlives_a_change_that_was_noted_before_it_was_asked_for() {
        let (shelf, printed) = (Shelf::default(), Printed::default());
        let noted = AtomicU64::new(0);
        let last = 20_000;
        let after = |no: u64| units(no % 250 + 1);
        shelf.set(&product("case"), &Pool::Normal, after(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    loop {
                        let least = noted.load(Ordering::Acquire);
                        let stock = shelf.normal();
                        let print = printed
                            .standing(WINDOW, &stock, || PLENTY)
                            .unwrap_or_else(|| printed.keep(print_of(&["case"], &stock)));
                        let seen = print.seen[0].1.state();
                        // One more may be seen than has been told.
                        let most = noted.load(Ordering::Acquire) + 1;
                        let shown = (least..=most).any(|no| seen == after(no));
                        assert!(shown, "{seen:?} between {least} and {most}");
                        if least == last {
                            return;
                        }
                    }
                });
            }
            for no in 1..=last {
                shelf.set(&product("case"), &Pool::Normal, after(no));
                noted.store(no, Ordering::Release);
            }
        });
    }

    #[test]
    fn items_are_copied_under_the_tag_of_the_answer() {
        let shelf = Shelf::default();
        let long = "x".repeat(128);
        let print = print_of(&["case", &long, "cable"], &shelf.normal());
        let item = |tag: u8, length: &[u8], name: &str| [&[tag], length, name.as_bytes()].concat();
        for tag in [TAG, 0x12] {
            let mut answer = b"head".to_vec();
            print.put_items(tag, &mut answer);
            let items = [
                b"head".to_vec(),
                item(tag, &[4], "case"),
                item(tag, &[0x80, 1], &long),
                item(tag, &[5], "cable"),
            ];
            assert_eq!(answer, items.concat());
        }
        assert_eq!(print.token(), "signed");
    }
}
