//! Leases.

use std::time::Duration;

use tandem_cache::lease::Hold;
use tandem_domain::id::MarketplaceId;
use tandem_testing::wait_until;

use crate::sample::uk;
use crate::subject::{LONG, Subject};

async fn hold(subject: &Subject, name: &str, holder: &str) -> Hold {
    subject.cache().hold(&uk(), name, holder, LONG).await.unwrap()
}

pub(crate) async fn a_lease_has_one_holder(subject: &Subject) {
    assert_eq!(hold(subject, "rebuild", "w1").await, Hold::Taken);
    assert_eq!(hold(subject, "rebuild", "w2").await, Hold::Elsewhere);
    assert_eq!(hold(subject, "rebuild", "w1").await, Hold::Kept);
    subject.cache().release(&uk(), "rebuild", "w2").await.unwrap();
    assert_eq!(hold(subject, "rebuild", "w2").await, Hold::Elsewhere);
    subject.cache().release(&uk(), "rebuild", "w1").await.unwrap();
    assert_eq!(hold(subject, "rebuild", "w2").await, Hold::Taken);
    subject.empty().await;
    assert_eq!(hold(subject, "rebuild", "w1").await, Hold::Taken);
}

pub(crate) async fn a_lease_ends(subject: &Subject) {
    let cache = subject.cache();
    cache
        .hold(&uk(), "rebuild", "w1", Duration::from_millis(1))
        .await
        .unwrap();
    wait_until(LONG, "the lease to end", async || {
        hold(subject, "rebuild", "w2").await == Hold::Taken
    })
    .await
    .unwrap();
    cache
        .hold(&uk(), "rebuild", "w2", Duration::from_millis(1))
        .await
        .unwrap();
    wait_until(LONG, "the shortened lease to end", async || {
        hold(subject, "rebuild", "w3").await == Hold::Taken
    })
    .await
    .unwrap();
}

pub(crate) async fn leases_are_apart_by_name_and_marketplace(subject: &Subject) {
    assert_eq!(hold(subject, "rebuild", "w1").await, Hold::Taken);
    assert_eq!(hold(subject, "reconcile", "w2").await, Hold::Taken);
    let elsewhere = MarketplaceId::new("de").unwrap();
    assert_eq!(
        subject
            .cache()
            .hold(&elsewhere, "rebuild", "w2", LONG)
            .await
            .unwrap(),
        Hold::Taken
    );
}
