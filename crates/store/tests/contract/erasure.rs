//! Erasing users: all that names them goes, and what counted them is known.

use std::time::Duration;

use tandem_domain::event::{Event, EventKind};
use tandem_store::{Erased, StoreError, UserErasure};

use crate::generation::build;
use crate::house::{House, purchase};
use crate::increment::increment;
use crate::still::{market, repeatable};

over_both! {
    all_that_names_a_user_goes_and_nothing_else,
    what_names_nobody_goes_with_the_session_it_stands_in,
    orders_go_whose_raw_events_went_before,
    a_user_is_forgotten_by_the_erasure_and_by_the_trail,
    who_is_erased_may_come_back,
    everybody_who_waits_is_erased_at_once,
    a_user_with_more_than_one_reading_fetches_is_erased_whole,
    an_order_that_is_folded_meanwhile_goes_too,
    rows_are_stale_until_a_build_that_began_later,
    an_unknown_marketplace_has_no_users,
}

fn of(user: &str, event: Event) -> Event {
    Event {
        user: Some(user.to_owned()),
        ..event
    }
}

fn view(id: &str, product: &str, session: &str, user: Option<&str>) -> Event {
    Event {
        kind: EventKind::View,
        user: user.map(str::to_owned),
        ..purchase(id, product, session, 0)
    }
}

async fn record(house: &House, events: &[Event]) {
    house
        .store
        .import_events(&house.marketplace, events, house.now())
        .await
        .unwrap();
}

async fn fold(house: &House) {
    house
        .store
        .fold_events(&house.marketplace, 100, house.now())
        .await
        .unwrap();
}

async fn ask(house: &House, user: &str) -> UserErasure {
    house
        .store
        .erase_user(&house.ctx(), user, "asked for")
        .await
        .unwrap()
}

async fn look(house: &House, id: u64) -> UserErasure {
    let found = house.store.user_erasure(&house.marketplace, id).await;
    found.unwrap().unwrap()
}

async fn carry_out(house: &House) -> Option<Erased> {
    house
        .store
        .carry_out_erasures(&house.marketplace, house.now())
        .await
        .unwrap()
}

/// Erases a user and no other; how many events and orders went.
async fn erase(house: &House, user: &str) -> (u64, u64) {
    let asked = ask(house, user).await;
    let erased = carry_out(house).await.unwrap();
    assert_eq!(carry_out(house).await, None);
    let done = look(house, asked.id).await;
    assert!(done.erased.is_some(), "{done:?}");
    assert_eq!(
        erased,
        Erased {
            users: 1,
            events: done.events,
            orders: done.orders
        }
    );
    (done.events, done.orders)
}

/// What stands in a column, sorted; nothing as a dash.
async fn column(house: &House, query: &str) -> Vec<String> {
    let found = house.texts(query).await.into_iter();
    let mut found: Vec<_> = found.map(|text| text.unwrap_or_else(|| "-".to_owned())).collect();
    found.sort();
    found
}

async fn left(house: &House) -> [Vec<String>; 3] {
    [
        column(house, "SELECT event_id FROM events").await,
        column(house, "SELECT event_id FROM event_ids").await,
        column(house, "SELECT order_id FROM orders").await,
    ]
}

async fn all_that_names_a_user_goes_and_nothing_else(house: House) {
    let other = market("other");
    house.found(&other).await;
    let theirs = [purchase("a", "p", "o1", 0), purchase("b", "q", "o1", 300)];
    let events = [&theirs[..], &[of("u2", purchase("c", "p", "o2", 0))]].concat();
    record(&house, &events).await;
    house
        .store
        .import_events(&other, &theirs, house.now())
        .await
        .unwrap();
    for marketplace in [&house.marketplace, &other] {
        let folded = house.store.fold_events(marketplace, 9, house.now()).await;
        folded.unwrap();
    }
    let days = "SELECT CAST(sum(events) AS text) FROM daily_counts";
    let counted = column(&house, days).await;
    assert_eq!(erase(&house, "u1").await, (2, 1));
    let [events, ids, orders] = left(&house).await;
    assert_eq!(
        (events, ids),
        (
            vec!["a".to_owned(), "b".into(), "c".into()],
            vec!["a".to_owned(), "b".into(), "c".into()]
        )
    );
    assert_eq!(orders, ["o1", "o2"], "o1 is that of the other marketplace");
    assert_eq!(house.scan(9).await.users, [Some("u2".to_owned())]);
    assert_eq!(column(&house, days).await, counted, "sums name nobody");
    assert_eq!(erase(&house, "nobody").await, (0, 0));
}

async fn what_names_nobody_goes_with_the_session_it_stands_in(house: House) {
    let returned = Event {
        kind: EventKind::Return,
        user: None,
        ..purchase("sent-back", "p", "o1", 40)
    };
    let events = [
        view("before-login", "p", "s1", None),
        view("after-login", "q", "s1", Some("u1")),
        view("lent", "r", "s1", Some("u2")),
        view("elsewhere", "p", "s2", None),
        purchase("bought", "p", "o1", 0),
        returned,
    ];
    record(&house, &events).await;
    // Nothing is folded yet: what waits goes as well, and no order is made of it.
    assert_eq!(erase(&house, "u1").await, (4, 0));
    fold(&house).await;
    let [events, ids, orders] = left(&house).await;
    assert_eq!(events, ["elsewhere", "lent"]);
    assert_eq!(ids, events);
    assert_eq!(orders, [""; 0]);
}

async fn orders_go_whose_raw_events_went_before(house: House) {
    let later = of("u2", purchase("b", "p", "o2", 500));
    record(&house, &[purchase("a", "p", "o1", 0), later]).await;
    fold(&house).await;
    let then = house.now().plus(Duration::from_secs(600 * 86_400));
    let retired = house.store.retire_events(&house.marketplace, 400, then).await;
    assert_eq!(retired.unwrap().map(|day| day.events), Some(1));
    assert_eq!(erase(&house, "u1").await, (0, 1));
    assert_eq!(left(&house).await[2], ["o2"]);
}

async fn a_user_is_forgotten_by_the_erasure_and_by_the_trail(house: House) {
    record(&house, &[purchase("a", "p", "o1", 0)]).await;
    let ctx = repeatable(house.ctx(), 1);
    let asked = house.store.erase_user(&ctx, "u1", "they left").await.unwrap();
    let again = house.store.erase_user(&ctx, "u1", "they left").await.unwrap();
    assert_eq!((again.id, again.erased), (asked.id, None));
    carry_out(&house).await.unwrap();
    for query in [
        "SELECT user_id FROM user_erasures",
        "SELECT user_id FROM orders",
        "SELECT user_id FROM events",
        "SELECT target FROM audit",
        "SELECT answer FROM request_ids",
    ] {
        let found = column(&house, query).await.concat();
        assert!(!found.contains("u1"), "{query}: {found}");
    }
    let trail = house.store.audit(&house.marketplace, 1).await.unwrap();
    assert_eq!(
        (trail[0].action.as_str(), trail[0].reason.as_str()),
        ("erase_user", "they left")
    );
    let reused = repeatable(house.ctx(), 2);
    let refused = house.store.erase_user(&reused, "u2", "").await;
    assert!(matches!(refused, Err(StoreError::RequestIdReused)), "{refused:?}");
}

async fn who_is_erased_may_come_back(house: House) {
    let bought = purchase("a", "p", "o1", 0);
    record(&house, std::slice::from_ref(&bought)).await;
    assert_eq!(erase(&house, "u1").await, (1, 0));
    let again = house.store.record_events(&house.ctx(), &[bought]).await.unwrap();
    assert_eq!(
        (again.stored, again.duplicates),
        (1, 0),
        "its id is forgotten, too"
    );
    assert_eq!(erase(&house, "u1").await, (1, 0));
}

async fn everybody_who_waits_is_erased_at_once(house: House) {
    let events: Vec<_> = (0..5)
        .map(|n| {
            of(
                &format!("u{n}"),
                purchase(&format!("e{n}"), "p", &format!("o{n}"), n),
            )
        })
        .collect();
    record(&house, &events).await;
    fold(&house).await;
    let mut asked = Vec::new();
    for user in ["u0", "u1", "u3", "u1"] {
        asked.push(ask(&house, user).await.id);
    }
    // Two workers share the work, or one finds nothing left of it; no event is counted twice.
    let elsewhere = house.elsewhere().await;
    let (one, other) = tokio::join!(
        carry_out(&house),
        elsewhere.carry_out_erasures(&house.marketplace, house.now())
    );
    let sum = one.unwrap_or_default() + other.unwrap().unwrap_or_default();
    assert_eq!(
        sum,
        Erased {
            users: 4,
            events: 3,
            orders: 3
        }
    );
    let mut events = Vec::new();
    for id in asked {
        let done = look(&house, id).await;
        assert!(done.erased.is_some());
        events.push(done.events);
    }
    assert_eq!(events, [1, 1, 1, 0], "what is asked twice is done once");
    assert_eq!(left(&house).await[0], ["e2", "e4"]);
}

async fn a_user_with_more_than_one_reading_fetches_is_erased_whole(house: House) {
    // Those without a name are found by the others: they must not stay behind.
    let mut events: Vec<_> = (0..50_000)
        .map(|n| view(&format!("v{n}"), "p", &format!("s{}", n % 100), Some("u1")))
        .collect();
    events.extend((0..100).map(|n| view(&format!("w{n}"), "q", &format!("s{n}"), None)));
    record(&house, &events).await;
    let asked = ask(&house, "u1").await;
    let first = carry_out(&house).await.unwrap();
    assert_eq!((first.users, first.events), (0, 50_000));
    assert_eq!(look(&house, asked.id).await.erased, None);
    let second = carry_out(&house).await.unwrap();
    assert_eq!((second.users, second.events), (1, 100));
    assert_eq!(look(&house, asked.id).await.events, 50_100);
    assert_eq!(left(&house).await[0], [""; 0]);
}

async fn an_order_that_is_folded_meanwhile_goes_too(house: House) {
    for round in 0..10 {
        let events: Vec<_> = (0..20)
            .map(|n| purchase(&format!("{round}-{n}"), "p", &format!("{round}-{}", n % 5), n))
            .collect();
        record(&house, &events).await;
        ask(&house, "u1").await;
        let erasing = async { while carry_out(&house).await.is_some() {} };
        futures::join!(fold(&house), erasing);
        fold(&house).await;
        let [events, ids, orders] = left(&house).await;
        assert!(
            events.is_empty() && ids.is_empty() && orders.is_empty(),
            "{orders:?}"
        );
    }
}

async fn stale(house: &House, since: tandem_domain::generation::GenerationNo) -> Vec<String> {
    let products = house.store.erased_products(&house.marketplace, since).await;
    let products: Vec<_> = products.unwrap().into_iter().map(String::from).collect();
    let serving = house.store.serving_generation(&house.marketplace).await.unwrap();
    if serving.is_some_and(|serving| serving.no == since) {
        let count = house.store.count_stale_products(&house.marketplace).await;
        assert_eq!(count.unwrap(), products.len() as u64);
    }
    products
}

async fn rows_are_stale_until_a_build_that_began_later(house: House) {
    let events = [
        purchase("a", "p", "o1", 0),
        purchase("b", "q", "o1", 0),
        of("u2", purchase("c", "beside", "o1", 0)),
        of("u2", purchase("d", "apart", "o2", 0)),
        view("f", "unnamed", "o2", None),
        of("u3", purchase("e", "p", "o3", 0)),
    ];
    record(&house, &events).await;
    fold(&house).await;
    let before = build(&house, &[1]).await;
    assert_eq!(stale(&house, before).await, [""; 0]);
    erase(&house, "u1").await;
    // Who shared an order with the user may have journeys now that were nobody's.
    assert_eq!(
        stale(&house, before).await,
        ["apart", "beside", "p", "q", "unnamed"]
    );
    let over = increment(&house, before, &[2, 1]).await;
    assert_eq!(stale(&house, over).await, [""; 0], "it has computed those rows");
    assert_eq!(
        stale(&house, before).await.len(),
        5,
        "who goes back to it is told"
    );
    erase(&house, "u3").await;
    assert_eq!(stale(&house, over).await, ["p"]);
    let after = build(&house, &[3]).await;
    assert_eq!(stale(&house, after).await, [""; 0]);
    assert_eq!(stale(&house, before).await.len(), 5, "each once");
}

async fn an_unknown_marketplace_has_no_users(house: House) {
    let mut ctx = house.ctx();
    ctx.principal.marketplace = market("nowhere");
    let refused = house.store.erase_user(&ctx, "u1", "").await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    let asked = ask(&house, "u1").await;
    let found = house.store.user_erasure(&market("nowhere"), asked.id).await;
    assert_eq!(found.unwrap(), None);
}
