//! Changes that were set aside.

use tandem_domain::change::Change;
use tandem_store::{Missing, StoreError, Undeliverable};

use crate::house::{House, set};

over_both! {
    a_row_that_cannot_be_read_is_set_aside_and_the_others_flow,
    a_pass_of_nothing_but_unreadable_rows_ends,
    what_was_not_published_is_not_set_aside,
    a_row_of_no_marketplace_is_set_aside_and_the_others_flow,
    a_marketplace_that_is_spoilt_holds_up_no_other,
    the_same_change_waits_at_most_once,
    letters_are_paged_newest_first,
    a_replayed_letter_leaves_through_the_outbox_once_and_is_audited,
    a_dropped_letter_is_gone_and_audited,
    letters_are_settled_all_or_none,
    what_cannot_be_read_is_not_replayed,
    what_is_older_than_a_restore_is_not_replayed,
}

const GARBAGE: &str = r#"{"kind":"stock","sku":1}"#;

async fn spoil_outbox(house: &House) {
    house
        .execute(&format!(
            "INSERT INTO outbox (marketplace_id, slot, traceparent, change) VALUES ('market', NULL, 't', '{GARBAGE}')"
        ))
        .await;
}

/// As a projector gives up a change that it cannot apply.
fn letter(change: &Change) -> Undeliverable {
    Undeliverable {
        store_epoch: 1,
        traceparent: "t".to_owned(),
        change: serde_json::to_string(change).unwrap(),
        attempts: 5,
        reason: "the record cannot be read".to_owned(),
    }
}

async fn some_letters(house: &House, count: u64) -> Vec<u64> {
    for counter in 1..=count {
        let beat = letter(&Change::Heartbeat { counter });
        assert!(
            house
                .store
                .set_aside(&house.marketplace, &beat, house.now())
                .await
                .unwrap()
        );
    }
    let letters = house.letters().await.into_iter();
    letters.map(|letter| letter.id).rev().collect()
}

async fn waiting(house: &House) -> u64 {
    house.store.count_dead_letters(&house.marketplace).await.unwrap()
}

async fn a_row_that_cannot_be_read_is_set_aside_and_the_others_flow(house: House) {
    house.put_product("p", &["k"]).await;
    house.relay().await;
    house.report(&[set("k", 1, 4)]).await;
    spoil_outbox(&house).await;
    house.report(&[set("k", 2, 5)]).await;
    let mut sent = Vec::new();
    let relayed = house
        .store
        .relay_outbox(10, house.now(), async |envelopes| {
            sent = envelopes;
            Ok::<_, std::io::Error>(())
        })
        .await
        .unwrap();
    assert_eq!((relayed.sent, relayed.set_aside, sent.len()), (2, 1, 2));
    let letters = house.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].letter.change, GARBAGE);
    assert_eq!(letters[0].letter.traceparent, "t");
    assert_eq!(letters[0].change, None);
    assert!(letters[0].letter.reason.contains("change"), "{letters:?}");
    assert!(house.changes().await.is_empty(), "nothing waits in the outbox");
}

async fn a_pass_of_nothing_but_unreadable_rows_ends(house: House) {
    house.relay().await;
    spoil_outbox(&house).await;
    let relayed = house
        .store
        .relay_outbox(1, house.now(), async |_| {
            Err(std::io::Error::other("never asked"))
        })
        .await
        .unwrap();
    assert_eq!((relayed.sent, relayed.set_aside), (0, 1));
    assert!(relayed.remaining_hint, "a full pass");
}

async fn what_was_not_published_is_not_set_aside(house: House) {
    house.put_product("p", &["k"]).await;
    spoil_outbox(&house).await;
    let refused = house
        .store
        .relay_outbox(10, house.now(), async |_| {
            Err(std::io::Error::other("the stream is away"))
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Publish { .. })), "{refused:?}");
    assert_eq!(waiting(&house).await, 0);
    house.relay().await;
    assert_eq!(waiting(&house).await, 1);
}

/// Sends what waits; how many rows were sent and how many set aside.
async fn relay(house: &House) -> (u64, u64) {
    let relayed = house
        .store
        .relay_outbox(100, house.now(), async |_| Ok::<_, std::io::Error>(()))
        .await
        .unwrap();
    (relayed.sent, relayed.set_aside)
}

/// What the letters that a marketplace is shown are of, and why they were written, oldest first.
async fn letters(house: &House) -> Vec<(String, String)> {
    let said = |letter: tandem_store::DeadLetter| (letter.marketplace, letter.letter.reason);
    house.letters().await.into_iter().rev().map(said).collect()
}

async fn a_row_of_no_marketplace_is_set_aside_and_the_others_flow(house: House) {
    house.put_product("p", &["k"]).await;
    house.relay().await;
    for marketplace in ["elsewhere", ""] {
        let beat = serde_json::to_string(&Change::Heartbeat { counter: 1 }).unwrap();
        let statement = format!(
            "INSERT INTO outbox (marketplace_id, slot, traceparent, change)
             VALUES ('{marketplace}', NULL, '', '{beat}')"
        );
        house.execute(&statement).await;
    }
    house.report(&[set("k", 1, 4)]).await;
    assert_eq!(relay(&house).await, (1, 2));
    assert_eq!(house.store.newest_in_outbox().await.unwrap(), None);
    let letters = letters(&house).await;
    assert_eq!(
        letters[1],
        (
            "elsewhere".to_owned(),
            "there is no marketplace elsewhere".to_owned()
        )
    );
    assert!(
        letters[0].0.is_empty() && letters[0].1.contains("marketplace"),
        "{letters:?}"
    );
    let stray = house.letters().await.remove(0);
    let refused = house
        .store
        .replay_dead_letters(&house.ctx(), &[stray.id], "")
        .await;
    assert!(
        matches!(refused, Err(StoreError::Unreplayable { .. })),
        "{refused:?}"
    );
    assert_eq!(
        house
            .store
            .drop_dead_letters(&house.ctx(), &[stray.id], "")
            .await
            .unwrap(),
        1
    );
}

async fn a_marketplace_that_is_spoilt_holds_up_no_other(house: House) {
    house.put_product("p", &["k"]).await;
    house.relay().await;
    let beat = serde_json::to_string(&Change::Heartbeat { counter: 1 }).unwrap();
    for (id, epoch) in [("a\u{1}b", 1), ("minus", -1)] {
        let market = format!(
            "INSERT INTO marketplaces (marketplace_id, currency_code, currency_exponent, time_zone, store_epoch, created_ms)
             VALUES ('{id}', 'GBP', 2, 'Europe/London', {epoch}, 0)"
        );
        house.execute(&market).await;
        let row = format!(
            "INSERT INTO outbox (marketplace_id, slot, traceparent, change) VALUES ('{id}', NULL, '', '{beat}')"
        );
        house.execute(&row).await;
    }
    house.report(&[set("k", 1, 4)]).await;
    assert_eq!(relay(&house).await, (1, 2));
}

/// PostgreSQL takes no text that is none; SQLite does where bytes are cast.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_whose_bytes_are_no_text_holds_nothing_up() {
    let house = House::on_sqlite().await;
    house.put_product("p", &["k"]).await;
    house.relay().await;
    let beat = serde_json::to_string(&Change::Heartbeat { counter: 7 }).unwrap();
    let garbled = "CAST(x'6bff' AS TEXT)";
    // Read as far as it goes, it would be a change of another product.
    let almost = format!(
        "CAST(replace('{}', 'tea', CAST(x'6bff' AS TEXT)) AS TEXT)",
        serde_json::to_string(&Change::Listing(tandem_domain::change::ListingChange {
            product: crate::house::product_id("tea"),
            listing: tandem_domain::catalog::Listing::Delisted,
            version: 1,
        }))
        .unwrap()
    );
    for (marketplace, traceparent, change) in [
        (garbled, "''", format!("'{beat}'")),
        ("'market'", "''", garbled.to_owned()),
        ("'market'", "''", almost),
        ("'market'", garbled, format!("'{beat}'")),
    ] {
        let statement = format!(
            "INSERT INTO outbox (marketplace_id, slot, traceparent, change)
             VALUES ({marketplace}, NULL, {traceparent}, {change})"
        );
        house.execute(&statement).await;
    }
    house.report(&[set("k", 1, 4)]).await;
    let mut sent = Vec::new();
    let relayed = house
        .store
        .relay_outbox(100, house.now(), async |envelopes| {
            sent = envelopes;
            Ok::<_, std::io::Error>(())
        })
        .await
        .unwrap();
    assert_eq!((relayed.sent, relayed.set_aside), (2, 3));
    assert_eq!(sent[0].change, Change::Heartbeat { counter: 7 });
    assert_eq!(sent[0].traceparent, "", "it goes on untraced");
    let letters = house.letters().await;
    assert_eq!(letters.len(), 3);
    for letter in letters {
        if letter.marketplace == house.marketplace.as_str() {
            assert_eq!(letter.change, None, "{letter:?}");
        }
        assert!(letter.letter.reason.contains("no text"), "{letter:?}");
        let replayed = house
            .store
            .replay_dead_letters(&house.ctx(), &[letter.id], "")
            .await;
        assert!(
            matches!(replayed, Err(StoreError::Unreplayable { .. })),
            "{replayed:?}"
        );
    }
}

async fn the_same_change_waits_at_most_once(house: House) {
    let beat = letter(&Change::Heartbeat { counter: 1 });
    let store = &house.store;
    assert!(
        store
            .set_aside(&house.marketplace, &beat, house.now())
            .await
            .unwrap()
    );
    assert!(
        !store
            .set_aside(&house.marketplace, &beat, house.now())
            .await
            .unwrap()
    );
    assert_eq!(waiting(&house).await, 1);
}

async fn letters_are_paged_newest_first(house: House) {
    let ids = some_letters(&house, 5).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = house
            .store
            .dead_letters(&house.marketplace, before, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.iter().map(|letter| letter.id));
    }
    seen.reverse();
    assert_eq!(seen, ids);
    let found = house.store.dead_letter(&house.marketplace, ids[2]).await.unwrap();
    assert_eq!(found.unwrap().change, Some(Change::Heartbeat { counter: 3 }));
}

async fn a_replayed_letter_leaves_through_the_outbox_once_and_is_audited(house: House) {
    house.relay().await;
    let ids = some_letters(&house, 2).await;
    let replayed = house
        .store
        .replay_dead_letters(&house.ctx(), &ids[..1], "mended")
        .await
        .unwrap();
    assert_eq!(replayed, 1);
    let sent = house.relay().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].change, Change::Heartbeat { counter: 1 });
    assert_eq!(sent[0].traceparent, "t");
    assert_eq!(waiting(&house).await, 1);
    let audit = house.store.audit(&house.marketplace, 1).await.unwrap();
    assert_eq!(audit[0].action, "replay_dead_letters");
    assert_eq!(audit[0].target, format!("[\"{}\"]", ids[0]));
    assert_eq!(audit[0].reason, "mended");
}

async fn a_dropped_letter_is_gone_and_audited(house: House) {
    house.relay().await;
    let ids = some_letters(&house, 2).await;
    assert_eq!(
        house
            .store
            .drop_dead_letters(&house.ctx(), &ids, "")
            .await
            .unwrap(),
        2
    );
    assert_eq!(waiting(&house).await, 0);
    assert!(house.changes().await.is_empty());
    let audit = house.store.audit(&house.marketplace, 1).await.unwrap();
    assert_eq!(audit[0].action, "drop_dead_letters");
}

async fn letters_are_settled_all_or_none(house: House) {
    house.relay().await;
    let ids = some_letters(&house, 1).await;
    let unknown = [ids[0], ids[0] + 1_000];
    for refused in [
        house.store.replay_dead_letters(&house.ctx(), &unknown, "").await,
        house.store.drop_dead_letters(&house.ctx(), &unknown, "").await,
    ] {
        assert!(
            matches!(refused, Err(StoreError::NotFound(Missing::DeadLetter(id))) if id == unknown[1]),
            "{refused:?}"
        );
    }
    assert_eq!(waiting(&house).await, 1);
    assert!(house.changes().await.is_empty());
}

async fn what_cannot_be_read_is_not_replayed(house: House) {
    house.relay().await;
    spoil_outbox(&house).await;
    house.relay().await;
    let letters = house.letters().await;
    let refused = house
        .store
        .replay_dead_letters(&house.ctx(), &[letters[0].id], "")
        .await;
    assert!(
        matches!(refused, Err(StoreError::Unreplayable { id, .. }) if id == letters[0].id),
        "{refused:?}"
    );
    assert_eq!(waiting(&house).await, 1);
}

async fn what_is_older_than_a_restore_is_not_replayed(house: House) {
    let ids = some_letters(&house, 1).await;
    house.store.bump_store_epoch(&house.marketplace).await.unwrap();
    let refused = house.store.replay_dead_letters(&house.ctx(), &ids, "").await;
    assert!(
        matches!(refused, Err(StoreError::Unreplayable { .. })),
        "{refused:?}"
    );
}
