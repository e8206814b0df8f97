//! Users who are to be erased.

use tandem_proto::v1 as pb;
use tandem_proto::v1::user_erasure::State;

use crate::house::{NOW, on_both};
use crate::samples::{events, view};

on_both! {
    async fn a_user_is_erased_by_the_worker_and_forgotten_by_the_erasure(house: House) {
        let mut control = house.control().await;
        let reported = vec![view("e1", "tea"), view("e2", "mug"), pb::Event { user_id: "u2".to_owned(), group_id: "session-2".to_owned(), ..view("e3", "tea") }];
        control.events.report_events(events(reported)).await.unwrap();
        let request = pb::EraseUserRequest {
            user_id: "u1".to_owned(), reason: "they asked for it".to_owned(), ..Default::default()
        };
        let asked = control.operations.erase_user(request).await.unwrap().into_inner();
        assert_eq!((asked.state(), asked.event_count, asked.erase_time), (State::Waiting, 0, None));
        let audit = house.store.audit(&house.marketplace(), 1).await.unwrap();
        let number = format!("[\"{}\"]", asked.user_erasure_id);
        assert_eq!(
            [&audit[0].action, &audit[0].target, &audit[0].reason],
            ["erase_user", &number, "they asked for it"]
        );

        house.store.carry_out_erasures(&house.marketplace(), NOW).await.unwrap();
        let request = pb::GetUserErasureRequest { user_erasure_id: asked.user_erasure_id };
        let done = control.operations.get_user_erasure(request).await.unwrap().into_inner();
        assert_eq!((done.state(), done.event_count, done.order_count), (State::Erased, 2, 0));
        assert_eq!((done.create_time, done.erase_time.is_some()), (asked.create_time, true));
        assert_eq!(done.stale_product_count, 0, "nothing is on serve");
        assert!(!format!("{done:?}").contains("u1"));
    }
}
