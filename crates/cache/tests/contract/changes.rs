//! The stream between relay and inventory workers.

use std::time::Duration;

use tandem_cache::port::Delivery;
use tandem_domain::catalog::Listing::Delisted;
use tandem_domain::change::{Change, Envelope};
use tandem_testing::wait_for;

use crate::sample::{beat, card, envelope, fixed_bundles, links, listing, stock, surface, uk};
use crate::subject::{LONG, Subject};

const SHORT: Duration = Duration::from_millis(1);

fn envelopes(deliveries: &[Delivery]) -> Vec<Envelope> {
    deliveries
        .iter()
        .map(|delivery| delivery.envelope.clone().unwrap())
        .collect()
}

fn ids(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| delivery.id.clone()).collect()
}

fn beats(counters: std::ops::RangeInclusive<u64>) -> Vec<Envelope> {
    counters.map(beat).collect()
}

async fn append(subject: &Subject, counters: std::ops::RangeInclusive<u64>) {
    subject.cache().append(&uk(), &beats(counters)).await.unwrap();
}

async fn receive(subject: &Subject, consumer: &str, max: usize) -> Vec<Delivery> {
    subject
        .cache()
        .receive(&uk(), consumer, max, SHORT)
        .await
        .unwrap()
}

async fn backlog(subject: &Subject) -> u64 {
    subject.cache().backlog(&uk()).await.unwrap()
}

pub(crate) async fn changes_come_as_they_were_appended(subject: &Subject) {
    let sent = vec![
        envelope(Change::Stock(stock("外:1", u64::MAX, u32::MAX).change)),
        envelope(Change::Listing(listing("a", 1, Delisted).change)),
        envelope(Change::Card(card("a", 2))),
        envelope(Change::Links(links("a", 3, 2))),
        envelope(Change::Bundles(fixed_bundles("a", 4, 1))),
        envelope(Change::Surface(surface("cart", 4, 5))),
        beat(6),
    ];
    subject.cache().append(&uk(), &sent).await.unwrap();
    subject.cache().append(&uk(), &[]).await.unwrap();
    let got = subject.cache().receive(&uk(), "w1", 100, LONG).await.unwrap();
    assert_eq!(envelopes(&got), sent);
    assert!(got.iter().all(|delivery| delivery.attempts == 1));
}

pub(crate) async fn a_change_is_given_to_one_consumer(subject: &Subject) {
    append(subject, 1..=1_500).await;
    let first = receive(subject, "w1", 1_000).await;
    let second = receive(subject, "w2", 1_000).await;
    assert_eq!(envelopes(&first), beats(1..=1_000));
    assert_eq!(envelopes(&second), beats(1_001..=1_500));
    assert_eq!(receive(subject, "w1", 1_000).await, vec![]);
}

pub(crate) async fn a_waiting_consumer_is_woken(subject: &Subject) {
    let market = uk();
    for counter in 1..=10 {
        let receive = subject.cache().receive(&market, "w1", 10, LONG);
        let (got, ()) = tokio::join!(receive, append(subject, counter..=counter));
        assert_eq!(envelopes(&got.unwrap()), beats(counter..=counter));
    }
}

pub(crate) async fn waiting_ends(subject: &Subject) {
    let cache = subject.cache();
    for wait in [Duration::ZERO, SHORT, Duration::from_millis(1_200)] {
        assert_eq!(cache.receive(&uk(), "w1", 10, wait).await.unwrap(), vec![]);
    }
    append(subject, 1..=1).await;
    assert_eq!(cache.receive(&uk(), "w1", 0, LONG).await.unwrap(), vec![]);
    assert_eq!(
        cache
            .receive(&uk(), "w1", 10, Duration::ZERO)
            .await
            .unwrap()
            .len(),
        1
    );
}

pub(crate) async fn what_is_held_too_long_is_given_to_another(subject: &Subject) {
    let cache = subject.cache();
    assert_eq!(
        cache.reclaim(&uk(), "w2", Duration::ZERO, 10).await.unwrap(),
        vec![]
    );
    append(subject, 1..=30).await;
    assert_eq!(receive(subject, "w1", 25).await.len(), 25);
    assert_eq!(cache.reclaim(&uk(), "w2", LONG * 100, 30).await.unwrap(), vec![]);
    assert_eq!(
        cache.reclaim(&uk(), "w2", Duration::ZERO, 0).await.unwrap(),
        vec![]
    );

    let some = cache.reclaim(&uk(), "w2", Duration::ZERO, 10).await.unwrap();
    assert_eq!(envelopes(&some), beats(1..=10));
    assert!(some.iter().all(|delivery| delivery.attempts == 2));
    let all = wait_for(LONG, "all to be idle", async || {
        let all = cache.reclaim(&uk(), "w3", SHORT, 30).await.unwrap();
        (all.len() == 25).then_some(all)
    });
    let all = all.await.unwrap();
    assert_eq!(envelopes(&all), beats(1..=25));
    assert!(all[..10].iter().all(|delivery| delivery.attempts >= 3));
    assert_eq!(envelopes(&receive(subject, "w1", 30).await), beats(26..=30));
}

pub(crate) async fn an_acknowledged_change_does_not_come_back(subject: &Subject) {
    let cache = subject.cache();
    append(subject, 1..=3).await;
    let got = receive(subject, "w1", 10).await;
    cache.ack(&uk(), &ids(&got)[..2]).await.unwrap();
    cache.ack(&uk(), &ids(&got)[..1]).await.unwrap();
    cache.ack(&uk(), &[]).await.unwrap();
    let left = cache.reclaim(&uk(), "w2", Duration::ZERO, 10).await.unwrap();
    assert_eq!(envelopes(&left), beats(3..=3));
}

pub(crate) async fn trimming_spares_what_is_not_acknowledged(subject: &Subject) {
    let cache = subject.cache();
    assert_eq!(cache.trim_changes(&uk()).await.unwrap(), 0);
    append(subject, 1..=10).await;
    assert_eq!(
        cache.trim_changes(&uk()).await.unwrap(),
        0,
        "nobody has read them"
    );
    let got = receive(subject, "w1", 6).await;
    cache
        .ack(&uk(), &[got[0].id.clone(), got[1].id.clone(), got[3].id.clone()])
        .await
        .unwrap();
    assert_eq!(cache.trim_changes(&uk()).await.unwrap(), 2, "the third is held");
    let held = cache.reclaim(&uk(), "w2", Duration::ZERO, 10).await.unwrap();
    assert_eq!(envelopes(&held), [beat(3), beat(5), beat(6)]);
    cache.ack(&uk(), &ids(&held)).await.unwrap();
    assert_eq!(cache.trim_changes(&uk()).await.unwrap(), 4);
    let rest = receive(subject, "w1", 10).await;
    assert_eq!(envelopes(&rest), beats(7..=10));
    cache.ack(&uk(), &ids(&rest)).await.unwrap();
    assert_eq!(cache.trim_changes(&uk()).await.unwrap(), 4);
    append(subject, 11..=11).await;
    assert_eq!(envelopes(&receive(subject, "w1", 10).await), beats(11..=11));
}

pub(crate) async fn the_backlog_counts_what_is_not_acknowledged(subject: &Subject) {
    let cache = subject.cache();
    assert_eq!(backlog(subject).await, 0);
    append(subject, 1..=10).await;
    assert_eq!(backlog(subject).await, 10);
    let got = receive(subject, "w1", 4).await;
    assert_eq!(backlog(subject).await, 10);
    cache.ack(&uk(), &ids(&got)[..3]).await.unwrap();
    assert_eq!(backlog(subject).await, 7);
    cache.trim_changes(&uk()).await.unwrap();
    assert_eq!(backlog(subject).await, 7);
    let rest = receive(subject, "w1", 10).await;
    cache.ack(&uk(), &ids(&rest)).await.unwrap();
    cache.ack(&uk(), &ids(&got)).await.unwrap();
    assert_eq!(backlog(subject).await, 0);
    cache.trim_changes(&uk()).await.unwrap();
    append(subject, 11..=12).await;
    assert_eq!(backlog(subject).await, 2);
}

pub(crate) async fn an_emptied_stream_goes_on(subject: &Subject) {
    let cache = subject.cache();
    append(subject, 1..=3).await;
    let lost = receive(subject, "w1", 2).await;
    subject.empty().await;
    assert_eq!(backlog(subject).await, 0);
    assert_eq!(
        cache.reclaim(&uk(), "w2", Duration::ZERO, 10).await.unwrap(),
        vec![]
    );
    let market = uk();
    let receive = cache.receive(&market, "w1", 10, LONG);
    let (got, ()) = tokio::join!(receive, append(subject, 4..=5));
    cache.ack(&uk(), &ids(&lost)).await.unwrap();
    let mut got = envelopes(&got.unwrap());
    // The first of two may have come alone.
    if got.len() == 1 {
        got.extend(envelopes(&cache.receive(&uk(), "w1", 10, LONG).await.unwrap()));
    }
    assert_eq!(got, beats(4..=5));
    assert_eq!(
        backlog(subject).await,
        2,
        "an older acknowledgement is of no one here"
    );
}

pub(crate) async fn the_oldest_change_that_is_held_tells_its_age(subject: &Subject) {
    let age = async || subject.cache().oldest_held(&uk()).await.unwrap();
    assert_eq!(age().await, None, "there is no stream yet");
    append(subject, 1..=2).await;
    let got = receive(subject, "w1", 1).await;
    let older = async || {
        let age = age().await?;
        (age >= Duration::from_millis(20)).then_some(age)
    };
    let first = wait_for(LONG, "time to pass", older).await.unwrap();
    // Taken over, it stays as old as it is; what came later is younger.
    let taken = subject.cache().reclaim(&uk(), "w2", SHORT, 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    receive(subject, "w2", 10).await;
    assert!(age().await.is_some_and(|age| age >= first));
    subject.cache().ack(&uk(), &ids(&got)).await.unwrap();
    assert!(age().await.is_some());
    let rest = subject
        .cache()
        .reclaim(&uk(), "w3", Duration::ZERO, 10)
        .await
        .unwrap();
    subject.cache().ack(&uk(), &ids(&rest)).await.unwrap();
    assert_eq!(age().await, None);
}
