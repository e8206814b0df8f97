//! The page of a kept list that was answered last, as it was written, for as long as the stock that it was written from
//! stays the same: then it is copied, and nothing is judged, encoded or signed again.

use arc_swap::{ArcSwapOption, Guard};
use tandem_domain::overlay::Window;

use super::line::{Laid, Sheet, TAG};
use crate::availability::{Reading, Sight};
use crate::meters::Drops;

/// What a print may take of an entry's memory: twenty items, the products looked at for them, and a token.
pub(crate) const PRINT_BYTES: usize = 1_800;

/// The last print of a list.
#[derive(Debug, Default)]
pub(crate) struct Printed(ArcSwapOption<Print>);

/// A print, whether it is kept or not.
#[derive(Debug)]
pub(crate) struct Held(Guard<Option<std::sync::Arc<Print>>>);

/// One page of a list, ready to be copied into an answer.
#[derive(Debug)]
pub(crate) struct Print {
    form: Form,
    seen: Box<[(u64, Sight)]>,
    starts: Box<[u32]>,
    /// Items, and the token behind them.
    bytes: Box<[u8]>,
    token_at: usize,
    laid: Laid,
    drops: Drops,
}

/// What of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// The page.
    pub(crate) window: Window,
    /// Whether substitutes lead.
    pub(crate) leads: bool,
}

impl Printed {
    /// The last print, if it is of this form and nothing has moved in `stock` since.
    pub(crate) fn standing(&self, form: Form, stock: &Reading) -> Option<Held> {
        let last = self.0.load();
        let stands = last
            .as_deref()
            .is_some_and(|print| print.form == form && print.shows(stock));
        stands.then_some(Held(last))
    }

    /// Keeps a print in place of the last one. What its token tells besides the items must be the same for every call.
    pub(crate) fn keep(&self, print: Print) -> Held {
        let print = std::sync::Arc::new(print);
        self.0.store(Some(std::sync::Arc::clone(&print)));
        Held(Guard::from_inner(Some(print)))
    }
}

impl Held {
    /// A print for one answer only.
    pub(crate) fn once(print: Print) -> Self {
        Self(Guard::from_inner(Some(std::sync::Arc::new(print))))
    }
}

impl std::ops::Deref for Held {
    type Target = Print;

    fn deref(&self) -> &Print {
        self.0.as_deref().expect("it is only made of a print")
    }
}

impl Print {
    /// A page as it was laid, with its token.
    pub(crate) fn of(form: Form, sheet: Sheet, laid: Laid, token: &str) -> Self {
        let Sheet {
            mut items,
            starts,
            seen,
            drops,
            marks: _,
        } = sheet;
        let token_at = items.len();
        items.extend_from_slice(token.as_bytes());
        Self {
            form,
            seen: seen.into(),
            starts: starts.into(),
            bytes: items.into(),
            token_at,
            laid,
            drops,
        }
    }

    /// Whether `stock` says of every product what it said when this was laid. All are looked at, even when the first one
    /// has moved: looks that wait for nothing go on at once.
    fn shows(&self, stock: &Reading) -> bool {
        let looks = self.seen.iter();
        looks.fold(true, |same, (print, seen)| same & (stock.look(*print) == *seen))
    }

    /// Writes the items, each as the field with this tag.
    pub(crate) fn put_items(&self, tag: u8, into: &mut Vec<u8>) {
        let begin = into.len();
        into.extend_from_slice(&self.bytes[..self.token_at]);
        if tag != TAG {
            for start in &self.starts {
                into[begin + *start as usize] = tag;
            }
        }
    }

    /// The token of its items; empty where there is none.
    pub(crate) fn token(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.token_at..]).unwrap_or_default()
    }

    /// What came of the page.
    pub(crate) fn laid(&self) -> Laid {
        self.laid
    }

    /// What was left out.
    pub(crate) fn drops(&self) -> &Drops {
        &self.drops
    }
}

#[cfg(test)]
mod tests {
    use tandem_domain::id::ProductId;
    use tandem_domain::stock::{Availability, PolicySet, Pool, SellableCount, Standing, Supply};
    use tandem_domain::surface::StockRules;

    use super::*;
    use crate::availability::Shelf;

    const WINDOW: Window = Window { offset: 0, size: 2 };

    fn product(name: &str) -> ProductId {
        ProductId::new(name).expect("a valid id")
    }

    fn units(units: u64) -> Availability {
        let units = SellableCount::saturating(units);
        Availability::Known(Standing::new(units, Supply::Plenty, PolicySet::default()))
    }

    fn print_of(form: Form, names: &[&str], stock: &Reading) -> Print {
        let mut sheet = Sheet::default();
        for name in names {
            let print = stock.print(&product(name));
            sheet.seen.push((print, stock.look(print)));
            sheet
                .starts
                .push(u32::try_from(sheet.items.len()).expect("short"));
            sheet.items.push(TAG);
            sheet.items.extend_from_slice(name.as_bytes());
        }
        let laid = Laid {
            shown: names.len(),
            more: false,
            below: 0,
        };
        Print::of(form, sheet, laid, "signed")
    }

    #[test]
    fn a_print_stands_until_the_stock_of_one_of_its_products_moves() {
        let shelf = Shelf::default();
        let form = Form {
            window: WINDOW,
            leads: false,
        };
        shelf.set(&product("case"), &Pool::Normal, units(3));
        let printed = Printed::default();
        assert!(printed.standing(form, &shelf.normal()).is_none());
        printed.keep(print_of(form, &["case", "cable"], &shelf.normal()));
        assert!(printed.standing(form, &shelf.normal()).is_some());

        shelf.set(&product("lamp"), &Pool::Normal, units(1));
        assert!(
            printed.standing(form, &shelf.normal()).is_some(),
            "another product"
        );
        shelf.set(&product("case"), &Pool::Normal, units(2));
        assert!(printed.standing(form, &shelf.normal()).is_none(), "fewer units");
        shelf.set(&product("case"), &Pool::Normal, units(3));
        assert!(printed.standing(form, &shelf.normal()).is_some(), "they are back");
        shelf.set(&product("cable"), &Pool::Normal, Availability::Delisted);
        assert!(
            printed.standing(form, &shelf.normal()).is_none(),
            "unknown before"
        );
    }

    #[test]
    fn a_print_of_one_pool_or_page_is_none_of_another() {
        let shelf = Shelf::default();
        let room: Pool = "room:7".parse().expect("a pool");
        shelf.set(&product("case"), &Pool::Normal, units(3));
        let form = Form {
            window: WINDOW,
            leads: false,
        };
        let printed = Printed::default();
        printed.keep(print_of(form, &["case"], &shelf.normal()));
        shelf.set(&product("case"), &room, units(5));
        let rules = StockRules::default();
        assert!(
            printed
                .standing(form, &shelf.reading(&rules, Some(&room)))
                .is_none()
        );
        let next = Window { offset: 2, size: 2 };
        for other in [Form { leads: true, ..form }, Form { window: next, ..form }] {
            assert!(printed.standing(other, &shelf.normal()).is_none(), "{other:?}");
        }
    }

    #[test]
    fn items_are_copied_under_the_tag_of_the_answer() {
        let shelf = Shelf::default();
        let form = Form {
            window: WINDOW,
            leads: false,
        };
        let print = print_of(form, &["case", "cable"], &shelf.normal());
        let mut answer = b"head".to_vec();
        print.put_items(TAG, &mut answer);
        assert_eq!(answer, b"head\x0acase\x0acable");
        answer.truncate(4);
        print.put_items(0x12, &mut answer);
        assert_eq!(answer, b"head\x12case\x12cable");
        assert_eq!(print.token(), "signed");
    }
}
