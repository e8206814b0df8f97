//! Cards, links, surfaces, heartbeat, rebuild marker.

use tandem_domain::catalog::ProductCard;
use tandem_domain::change::Change;
use tandem_domain::clock::Timestamp;
use tandem_domain::feed::FeedEvent;
use tandem_domain::id::SurfaceId;

use crate::sample::{card, fixed_bundles, links, product, surface, uk};
use crate::subject::{Subject, events};

/// What was announced, as far as a last heartbeat.
async fn announced(subject: &Subject) -> Vec<FeedEvent> {
    let beginning = tandem_cache::port::FeedPosition("0-0".to_owned());
    let mut feed = subject.cache().follow(&uk(), beginning).await.unwrap();
    subject.cache().beat(&uk(), u64::MAX, 1).await.unwrap();
    let mut said = Vec::new();
    loop {
        match events(&mut feed, 1).await.remove(0) {
            FeedEvent::Heartbeat(1) => return said,
            event => said.push(event),
        }
    }
}

pub(crate) async fn cards_are_compared_and_announced(subject: &Subject) {
    let cache = subject.cache();
    cache
        .put_cards(&uk(), 1, &[card("a", 2), card("b:{1}", 1), card("a", 1)])
        .await
        .unwrap();
    cache.put_cards(&uk(), 1, &[card("a", 2)]).await.unwrap();
    cache.put_cards(&uk(), 1, &[]).await.unwrap();
    let ids = [product("b:{1}"), product("a"), product("nowhere"), product("a")];
    let expected = [
        Some(card("b:{1}", 1)),
        Some(card("a", 2)),
        None,
        Some(card("a", 2)),
    ];
    assert_eq!(cache.cards(&uk(), &ids).await.unwrap(), expected);
    cache.put_cards(&uk(), 2, &[card("a", 1)]).await.unwrap();
    cache.put_cards(&uk(), 1, &[card("a", 9)]).await.unwrap();
    assert_eq!(
        cache.cards(&uk(), &ids[1..2]).await.unwrap(),
        [Some(card("a", 1))]
    );
    assert_eq!(cache.cards(&uk(), &[]).await.unwrap(), []);
    let said = ["a", "b:{1}", "a"].map(|id| FeedEvent::Card(product(id)));
    assert_eq!(announced(subject).await, said);
}

pub(crate) async fn a_record_gives_way_under_exactly_its_version(subject: &Subject) {
    let cache = subject.cache();
    let read = async || cache.cards(&uk(), &[product("a")]).await.unwrap();
    let other = ProductCard {
        title: "another".to_owned(),
        ..card("a", 3)
    };
    cache.put_cards(&uk(), 1, &[card("a", 3)]).await.unwrap();
    for (store_epoch, version) in [(1, 2), (1, 4), (2, 3), (1, 0)] {
        let change = Change::Card(card("a", version));
        cache.step_down(&uk(), store_epoch, &[change]).await.unwrap();
        cache
            .put_cards(&uk(), 1, std::slice::from_ref(&other))
            .await
            .unwrap();
        assert_eq!(read().await, [Some(card("a", 3))]);
    }
    cache
        .step_down(&uk(), 1, &[Change::Card(other.clone())])
        .await
        .unwrap();
    cache.put_cards(&uk(), 1, &[card("a", 2)]).await.unwrap();
    assert_eq!(
        read().await,
        [Some(card("a", 3))],
        "it keeps its content, and what is older out"
    );
    cache
        .put_cards(&uk(), 1, std::slice::from_ref(&other))
        .await
        .unwrap();
    assert_eq!(read().await, [Some(other)]);
}

pub(crate) async fn many_cards_are_put(subject: &Subject) {
    let cards: Vec<_> = (0..2_500).map(|at| card(&format!("p{at}"), 1)).collect();
    subject.cache().put_cards(&uk(), 1, &cards).await.unwrap();
    let ids: Vec<_> = cards.iter().map(|card| card.id.clone()).collect();
    let read = subject.cache().cards(&uk(), &ids).await.unwrap();
    assert!(read.into_iter().flatten().eq(cards));
}

pub(crate) async fn links_are_cleared_by_a_newer_empty_set(subject: &Subject) {
    let cache = subject.cache();
    assert_eq!(cache.links(&uk(), &[product("a")]).await.unwrap(), [None]);
    assert!(cache.put_links(&uk(), 1, &links("a", 3, 2)).await.unwrap());
    assert!(!cache.put_links(&uk(), 1, &links("a", 3, 1)).await.unwrap());
    assert!(cache.put_links(&uk(), 1, &links("b", 1, 1)).await.unwrap());
    let both = [product("b"), product("a")];
    let expected = [Some(links("b", 1, 1)), Some(links("a", 3, 2))];
    assert_eq!(cache.links(&uk(), &both).await.unwrap(), expected);

    assert!(cache.put_links(&uk(), 1, &links("a", 4, 0)).await.unwrap());
    assert!(
        !cache.put_links(&uk(), 1, &links("a", 3, 2)).await.unwrap(),
        "the version is kept"
    );
    assert_eq!(
        cache.links(&uk(), &both).await.unwrap(),
        [Some(links("b", 1, 1)), Some(links("a", 4, 0))]
    );
    assert!(cache.put_links(&uk(), 2, &links("a", 0, 1)).await.unwrap());

    let mut deleted = links("c", 1, 2);
    deleted.links[0].deleted = Some(Timestamp::from_ms(5));
    assert!(cache.put_links(&uk(), 1, &deleted).await.unwrap());
    deleted.links.remove(0);
    assert_eq!(
        cache.links(&uk(), &[product("c")]).await.unwrap(),
        [Some(deleted)]
    );
    assert_eq!(cache.links(&uk(), &[]).await.unwrap(), []);
    let said = ["a", "b", "a", "a", "c"].map(|id| FeedEvent::Links(product(id)));
    assert_eq!(announced(subject).await, said);
}

pub(crate) async fn surfaces_are_compared_and_announced(subject: &Subject) {
    let cache = subject.cache();
    assert_eq!(cache.surfaces(&uk()).await.unwrap(), []);
    assert!(cache.put_surface(&uk(), 1, &surface("mall", 1, 5)).await.unwrap());
    assert!(cache.put_surface(&uk(), 1, &surface("cart", 2, 6)).await.unwrap());
    assert!(!cache.put_surface(&uk(), 1, &surface("cart", 1, 7)).await.unwrap());
    assert!(!cache.put_surface(&uk(), 1, &surface("cart", 2, 7)).await.unwrap());
    assert_eq!(
        cache.surfaces(&uk()).await.unwrap(),
        [surface("cart", 2, 6), surface("mall", 1, 5)]
    );
    assert!(cache.put_surface(&uk(), 2, &surface("cart", 1, 8)).await.unwrap());
    assert_eq!(
        cache.surfaces(&uk()).await.unwrap(),
        [surface("cart", 1, 8), surface("mall", 1, 5)]
    );
    let said = ["mall", "cart", "cart"].map(|id| FeedEvent::Surface(SurfaceId::new(id).unwrap()));
    assert_eq!(announced(subject).await, said);
}

pub(crate) async fn a_heartbeat_is_announced_when_it_is_newer(subject: &Subject) {
    let cache = subject.cache();
    for (epoch, counter) in [(1, 9), (1, 10), (1, 9), (1, 10), (2, 3), (1, 11), (2, 4)] {
        cache.beat(&uk(), epoch, counter).await.unwrap();
    }
    let said = [9, 10, 3, 4].map(FeedEvent::Heartbeat);
    assert_eq!(announced(subject).await, said);
}

pub(crate) async fn the_rebuild_marker_goes_with_the_data(subject: &Subject) {
    let cache = subject.cache();
    assert_eq!(cache.epoch(&uk()).await.unwrap(), None);
    cache.mark_rebuilt(&uk(), "first").await.unwrap();
    cache.mark_rebuilt(&uk(), "second").await.unwrap();
    assert_eq!(cache.epoch(&uk()).await.unwrap().as_deref(), Some("second"));
    let said = ["first", "second"].map(|epoch| FeedEvent::Rebuilt {
        epoch: epoch.to_owned(),
    });
    assert_eq!(announced(subject).await, said);
    cache.put_cards(&uk(), 1, &[card("a", 1)]).await.unwrap();
    subject.empty().await;
    assert_eq!(cache.epoch(&uk()).await.unwrap(), None);
    assert_eq!(cache.cards(&uk(), &[product("a")]).await.unwrap(), [None]);
    cache.put_cards(&uk(), 1, &[card("a", 1)]).await.unwrap();
    cache.mark_rebuilt(&uk(), "third").await.unwrap();
    assert_eq!(cache.epoch(&uk()).await.unwrap().as_deref(), Some("third"));
}

pub(crate) async fn a_ping_is_answered(subject: &Subject) {
    subject.cache().ping().await.unwrap();
}

pub(crate) async fn fixed_bundles_are_compared_announced_and_cleared(subject: &Subject) {
    let cache = subject.cache();
    let from = cache.feed_position(&uk()).await.unwrap();
    let set = |version, count| fixed_bundles("a", version, count);
    assert_eq!(cache.fixed_bundles(&uk(), &[product("a")]).await.unwrap(), [None]);
    assert!(cache.put_bundles(&uk(), 1, &set(2, 1)).await.unwrap());
    assert!(!cache.put_bundles(&uk(), 1, &set(1, 3)).await.unwrap(), "older");
    let read = cache
        .fixed_bundles(&uk(), &[product("b"), product("a")])
        .await
        .unwrap();
    assert_eq!(read, [None, Some(set(2, 1))]);
    assert!(cache.put_bundles(&uk(), 1, &set(3, 0)).await.unwrap());
    assert_eq!(
        cache.fixed_bundles(&uk(), &[product("a")]).await.unwrap(),
        [Some(set(3, 0))]
    );
    let mut feed = cache.follow(&uk(), from).await.unwrap();
    let said = FeedEvent::Bundles(product("a"));
    assert_eq!(events(&mut feed, 2).await, [said.clone(), said]);
}
