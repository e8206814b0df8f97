//! What an entry of the feed says. Scripts write the fields: `p` the entry before, `k` the kind, and the kind's own.

use tandem_domain::feed::FeedEvent;
use tandem_domain::generation::GenerationNo;
use tandem_domain::id::{ProductId, SurfaceId};
use tandem_domain::stock::{Availability, PolicySet, Pool, SellableCount, Standing, Supply};

use super::reply::Entry;

pub(super) const CARD: &str = "c";
pub(super) const LINKS: &str = "l";
pub(super) const BUNDLES: &str = "b";
pub(super) const SURFACE: &str = "s";

/// An entry that cannot be understood, though its kind is known.
#[derive(Debug, PartialEq)]
pub(super) struct Unreadable;

/// The event of an entry; `None` for a kind of a later build.
pub(super) fn event(entry: &Entry) -> Result<Option<FeedEvent>, Unreadable> {
    let field = |name| entry.field(name).ok_or(Unreadable);
    let product = || ProductId::new(field("i")?).map_err(|_| Unreadable);
    let number = || field("n")?.parse().map_err(|_| Unreadable);
    Ok(Some(match field("k")? {
        "a" => FeedEvent::Availability {
            product: product()?,
            pool: field("o")?.parse().map_err(|_| Unreadable)?,
            state: state(field("s")?).ok_or(Unreadable)?,
            traceparent: field("t")?.to_owned(),
        },
        "g" => FeedEvent::Generation(GenerationNo(number()?)),
        "h" => FeedEvent::Heartbeat(number()?),
        "r" => FeedEvent::Rebuilt {
            epoch: field("e")?.to_owned(),
        },
        CARD => FeedEvent::Card(product()?),
        BUNDLES => FeedEvent::Bundles(product()?),
        LINKS => FeedEvent::Links(product()?),
        SURFACE => FeedEvent::Surface(SurfaceId::new(field("i")?).map_err(|_| Unreadable)?),
        _ => return Ok(None),
    }))
}

/// A sellable state as scripts write it.
pub(super) fn state(text: &str) -> Option<Availability> {
    match text {
        "u" => Some(Availability::Unknown),
        "x" => Some(Availability::Delisted),
        known => standing(known).map(Availability::Known),
    }
}

/// `UNITS`, or `UNITS SUPPLY UNCOUNTED` where one of these says something.
fn standing(text: &str) -> Option<Standing> {
    let mut parts = text.split(' ');
    let units = SellableCount::saturating(parts.next()?.parse().ok()?);
    let Some(supply) = parts.next() else {
        return Some(units.into());
    };
    let supply = Supply::from_code(supply.parse().ok()?)?;
    let uncounted = PolicySet::from_bits(parts.next()?.parse().ok()?)?;
    Some(Standing::new(units, supply, uncounted))
}

/// The product and pool of a field of the states.
pub(super) fn product_and_pool(field: &str) -> Option<(ProductId, Pool)> {
    let (product, pool) = field.split_once(SEPARATOR)?;
    Some((ProductId::new(product).ok()?, pool.parse().ok()?))
}

/// Stands between ids, which hold no control characters.
pub(super) const SEPARATOR: char = '\u{1f}';

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fields: &[&str]) -> Entry {
        Entry {
            id: "1-0".to_owned(),
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
        }
    }

    #[test]
    fn kinds_of_a_later_build_say_nothing() {
        assert_eq!(event(&entry(&["p", "0-0", "k", "later"])), Ok(None));
    }

    #[test]
    fn a_known_kind_with_nonsense_in_it_is_refused() {
        for fields in [
            &["k", "a", "i", "p", "o", "cellar", "s", "1", "t", ""][..],
            &["k", "a", "i", "p", "o", "normal", "s", "many", "t", ""],
            &["k", "h", "n", "-1"],
            &["k", "c"],
            &[],
        ] {
            assert_eq!(event(&entry(fields)), Err(Unreadable), "{fields:?}");
        }
    }
}
