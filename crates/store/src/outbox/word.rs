//! What a commit says to those whom it wakes: the changes that shoppers wait for, where few come, so that a worker knows
//! them without asking. It says nothing that the outbox does not hold, and may be lost.

use serde::{Deserialize, Serialize};
use tandem_domain::change::{Change, Envelope};
use tandem_domain::id::MarketplaceId;

use crate::entity::to_json;

/// The longest word. The server keeps words for listeners that hang, and refuses commits once it has no room for more.
const MOST_BYTES: usize = 2_000;

#[derive(Serialize)]
struct Told<'a> {
    marketplace: &'a MarketplaceId,
    traceparent: &'a str,
    changes: Vec<&'a Change>,
}

#[derive(Deserialize)]
struct Heard {
    marketplace: MarketplaceId,
    traceparent: String,
    changes: Vec<Change>,
}

/// The word of these changes; none where there is nothing to say, or too much.
pub(super) fn word(marketplace: &MarketplaceId, traceparent: &str, changes: &[Change]) -> Option<String> {
    let changes: Vec<&Change> = changes.iter().filter(|change| is_waited_for(change)).collect();
    if changes.is_empty() {
        return None;
    }
    let word = to_json(&Told {
        marketplace,
        traceparent,
        changes,
    });
    (word.len() <= MOST_BYTES).then_some(word)
}

/// The changes that a word tells of, behind the store epoch and a space; none where it only wakes.
pub(super) fn heard(word: &str) -> Vec<Envelope> {
    let parts = word.split_once(' ');
    let read = parts.and_then(|(epoch, told)| {
        let told: Heard = serde_json::from_str(told).ok()?;
        Some((epoch.parse().ok()?, told))
    });
    let Some((store_epoch, told)) = read else {
        return Vec::new();
    };
    let envelope = |change| Envelope {
        marketplace: told.marketplace.clone(),
        store_epoch,
        traceparent: told.traceparent.clone(),
        change,
    };
    told.changes.into_iter().map(envelope).collect()
}

fn is_waited_for(change: &Change) -> bool {
    matches!(change, Change::Stock(_) | Change::Listing(_))
}

#[cfg(test)]
mod tests {
    use tandem_domain::catalog::Listing;
    use tandem_domain::change::ListingChange;
    use tandem_domain::id::ProductId;

    use super::*;

    fn listing(id: &str) -> Change {
        Change::Listing(ListingChange {
            product: ProductId::new(id).unwrap(),
            listing: Listing::Listed,
            version: 1,
        })
    }

    #[test]
    fn what_is_told_is_heard() {
        let marketplace = MarketplaceId::new("uk").unwrap();
        let changes = [listing("a b"), Change::Heartbeat { counter: 1 }, listing("外")];
        let word = word(&marketplace, "00-1", &changes).unwrap();
        let heard = heard(&format!("7 {word}"));
        let told: Vec<&Change> = heard.iter().map(|envelope| &envelope.change).collect();
        assert_eq!(told, [&changes[0], &changes[2]]);
        let [first, ..] = &*heard else {
            panic!("nothing was heard")
        };
        assert_eq!(
            (&first.marketplace, first.store_epoch, &*first.traceparent),
            (&marketplace, 7, "00-1")
        );
    }

    #[test]
    fn nothing_is_said_of_what_can_wait_or_is_much() {
        let marketplace = MarketplaceId::new("uk").unwrap();
        assert_eq!(word(&marketplace, "", &[Change::Heartbeat { counter: 1 }]), None);
        let many: Vec<Change> = (0..100).map(|n| listing(&n.to_string())).collect();
        assert_eq!(word(&marketplace, "", &many), None);
    }

    #[test]
    fn a_word_that_is_none_only_wakes() {
        for word in ["", "7", "7 ", "x {}", "7 {\"marketplace\":\"\"}", "-1 {}"] {
            assert_eq!(heard(word), [], "{word:?}");
        }
    }
}
