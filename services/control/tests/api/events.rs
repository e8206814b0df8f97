use std::collections::HashSet;

use futures::TryStreamExt as _;
use futures::future::join_all;
use tandem_proto::v1 as pb;

use crate::house::on_both;
use crate::samples::{KEYS, events, money, second, token, view};
use crate::shown::reason;

fn counts(answer: tonic::Response<pb::ReportEventsResponse>) -> (u32, u32) {
    let answer = answer.into_inner();
    (answer.stored_count, answer.duplicate_count)
}

on_both! {
    async fn an_event_counts_once(house: House) {
        let mut api = house.control().await.events;
        let purchase = pb::Event {
            r#type: pb::EventType::Purchase.into(),
            group_id: "order-1".to_owned(),
            quantity: 3,
            unit_price: money(1_999),
            event_time: second(1_700_000_000),
            scene_id: "show-1".to_owned(),
            ..view("e2", "p")
        };
        let batch = events(vec![view("e1", "p"), purchase, view("e1", "p")]);
        assert_eq!(counts(api.report_events(batch.clone()).await.unwrap()), (2, 1));
        assert_eq!(counts(api.report_events(batch).await.unwrap()), (0, 3));
    }

    async fn how_long_a_product_was_looked_at_is_kept(house: House) {
        let mut api = house.control().await.events;
        let dwell_time = Some(prost_types::Duration { seconds: 12, nanos: 500_000_000 });
        let looks = vec![pb::Event { dwell_time, ..view("e1", "p") }, view("e2", "p")];
        api.report_events(events(looks)).await.unwrap();
        let folded = house.store.fold_events(&house.marketplace(), 1_000, crate::house::NOW).await.unwrap();
        let pages = house.store.scan_events(&house.marketplace(), folded.last_batch);
        let pages: Vec<_> = pages.try_collect().await.unwrap();
        let mut kept: Vec<_> = pages.into_iter().flat_map(|page| page.dwells_ms).collect();
        kept.sort_unstable();
        assert_eq!(kept, [None, Some(12_500)]);
    }

    /// Every caller's answer is about its own events, though they share transactions.
    async fn callers_that_share_a_transaction_get_their_own_counts(house: House) {
        let api = house.control().await.events;
        let calls = (0..48).map(|caller| {
            let mut api = api.clone();
            // Two callers each report the same shared event; nobody else has the others.
            let shared = view(&format!("shared-{}", caller / 2), "p");
            let own = (0..3).map(|n| view(&format!("own-{caller}-{n}"), "p"));
            let batch = own.chain([shared]).collect();
            async move { counts(api.report_events(events(batch)).await.unwrap()) }
        });
        let answers = join_all(calls).await;
        let stored: u32 = answers.iter().map(|(stored, _)| stored).sum();
        let doubled: u32 = answers.iter().map(|(_, doubled)| doubled).sum();
        assert_eq!((stored, doubled), (48 * 3 + 24, 24));
        let kinds: HashSet<_> = answers.iter().copied().collect();
        assert_eq!(kinds, HashSet::from([(4, 0), (3, 1)]));

        let folded = house.store.fold_events(&house.marketplace(), 1_000, crate::house::NOW).await.unwrap();
        assert_eq!(folded.events, 48 * 3 + 24);
        assert!(folded.batches < 48, "{} callers shared no transaction", folded.batches);
    }

    async fn a_bad_neighbour_in_the_same_transaction_harms_nobody(house: House) {
        let api = house.control().await.events;
        let first = pb::ReportEventsRequest { events: vec![view("first", "p")], request_id: "r".to_owned() };
        api.clone().report_events(first).await.unwrap();
        let reused = pb::ReportEventsRequest { events: vec![view("other", "p")], request_id: "r".to_owned() };
        let bad = async { api.clone().report_events(reused).await.map(counts) };
        let good = join_all((0..16).map(|n| {
            let mut api = api.clone();
            async move { api.report_events(events(vec![view(&format!("good-{n}"), "p")])).await.map(counts) }
        }));
        let (bad, good) = futures::join!(bad, good);
        assert_eq!(bad.unwrap_err().code(), tonic::Code::InvalidArgument);
        for answer in good {
            assert_eq!(answer.unwrap(), (1, 0));
        }
    }

    async fn more_events_than_may_wait_are_refused_with_a_time_to_come_back(house: House) {
        let control = house.control_with(|config| config.events.queue_rows = 2).await;
        let batch = events(vec![view("e1", "p"), view("e2", "p"), view("e3", "p")]);
        let refused = control.events.clone().report_events(batch).await.unwrap_err();
        let shown = crate::shown::case("three where two may wait", &refused);
        insta::assert_snapshot!("queue_is_full", shown);
    }

    async fn a_token_is_verified_and_the_event_still_counts_once(house: House) {
        let control = house.control_with(|config| config.attribution.keys = tandem_domain::attribution::KeyRing::new(KEYS).unwrap()).await;
        let mut api = control.events;
        let click = |id: &str, product: &str, token: String| pb::Event { attribution_token: token, ..view(id, product) };
        let batch = events(vec![click("e1", "shown", token(KEYS[0])), click("e2", "shown", token(KEYS[1])), view("e3", "p")]);
        assert_eq!(counts(api.report_events(batch.clone()).await.unwrap()), (3, 0));
        assert_eq!(counts(api.report_events(batch).await.unwrap()), (0, 3));
        let refused = events(vec![click("e4", "shown", token("a key that nobody here knows"))]);
        let refused = api.report_events(refused).await.unwrap_err();
        assert_eq!(reason(&refused), (tonic::Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    }
}
