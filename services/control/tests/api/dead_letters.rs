//! Changes that were set aside: listed, shown, sent once more, forgotten.

use tandem_proto::v1 as pb;
use tandem_store::Undeliverable;
use tonic::Code;

use crate::house::{House, NOW, on_both};
use crate::shown::reason;

async fn set_aside(house: &House, changes: &[&str]) {
    for change in changes {
        let letter = Undeliverable {
            store_epoch: 1,
            traceparent: String::new(),
            change: (*change).to_owned(),
            attempts: 5,
            reason: "a record cannot be read".to_owned(),
        };
        let kept = house.store.set_aside(&house.marketplace(), &letter, NOW).await;
        assert!(kept.expect("the store answers"));
    }
}

const BEATS: [&str; 3] = [
    r#"{"kind":"heartbeat","counter":1}"#,
    r#"{"kind":"heartbeat","counter":2}"#,
    r#"{"kind":"heartbeat","counter":3}"#,
];

on_both! {
    async fn dead_letters_are_paged_newest_first_and_shown_whole(house: House) {
        let mut operations = house.control().await.operations;
        set_aside(&house, &BEATS).await;
        set_aside(&house, &["spoilt"]).await;
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListDeadLettersRequest { page_size: 3, page_token: token };
            let page = operations.list_dead_letters(request).await.unwrap().into_inner();
            seen.extend(page.dead_letters);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let subjects: Vec<_> = seen.iter().map(|letter| letter.subject.as_str()).collect();
        assert_eq!(subjects, ["", "heartbeat 3", "heartbeat 2", "heartbeat 1"]);
        assert!(seen.iter().all(|letter| letter.change_json.is_empty() && letter.attempts == 5));
        let request = pb::GetDeadLetterRequest { dead_letter_id: seen[0].dead_letter_id };
        let whole = operations.get_dead_letter(request).await.unwrap().into_inner();
        assert_eq!((whole.change_json.as_str(), whole.reason.as_str()), ("spoilt", "a record cannot be read"));
    }

    async fn letters_are_replayed_and_dropped_once_per_request_id(house: House) {
        let mut operations = house.control().await.operations;
        set_aside(&house, &BEATS).await;
        let listed = operations.list_dead_letters(pb::ListDeadLettersRequest::default()).await.unwrap().into_inner();
        let ids: Vec<u64> = listed.dead_letters.iter().map(|letter| letter.dead_letter_id).collect();
        let replay = pb::ReplayDeadLettersRequest {
            dead_letter_ids: ids[..2].to_vec(),
            reason: "mended".to_owned(),
            request_id: "r1".to_owned(),
        };
        for _ in 0..2 {
            let answer = operations.replay_dead_letters(replay.clone()).await.unwrap().into_inner();
            assert_eq!(answer.replayed_count, 2);
        }
        let audit = house.store.audit(&house.marketplace(), 1).await.unwrap();
        assert_eq!((audit[0].action.as_str(), audit[0].reason.as_str()), ("replay_dead_letters", "mended"));
        let request = pb::DropDeadLettersRequest { dead_letter_ids: ids[2..].to_vec(), ..Default::default() };
        assert_eq!(operations.drop_dead_letters(request.clone()).await.unwrap().into_inner().dropped_count, 1);
        let refused = operations.drop_dead_letters(request).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "DEAD_LETTER_NOT_FOUND".to_owned()));
        let left = operations.list_dead_letters(pb::ListDeadLettersRequest::default()).await.unwrap().into_inner();
        assert!(left.dead_letters.is_empty());
    }

    async fn what_cannot_be_read_cannot_be_replayed(house: House) {
        let mut operations = house.control().await.operations;
        set_aside(&house, &["spoilt"]).await;
        let listed = operations.list_dead_letters(pb::ListDeadLettersRequest::default()).await.unwrap().into_inner();
        let request = pb::ReplayDeadLettersRequest {
            dead_letter_ids: vec![listed.dead_letters[0].dead_letter_id],
            ..Default::default()
        };
        let refused = operations.replay_dead_letters(request).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::FailedPrecondition, "DEAD_LETTER_NOT_REPLAYABLE".to_owned()));
    }

    async fn nonsense_about_dead_letters_is_refused(house: House) {
        let mut operations = house.control().await.operations;
        for ids in [vec![], vec![0], vec![7, 7], (1..=501).collect::<Vec<u64>>()] {
            let replay = pb::ReplayDeadLettersRequest { dead_letter_ids: ids.clone(), ..Default::default() };
            assert_eq!(operations.replay_dead_letters(replay).await.unwrap_err().code(), Code::InvalidArgument, "{ids:?}");
            let discard = pb::DropDeadLettersRequest { dead_letter_ids: ids.clone(), ..Default::default() };
            assert_eq!(operations.drop_dead_letters(discard).await.unwrap_err().code(), Code::InvalidArgument, "{ids:?}");
        }
        let none = pb::GetDeadLetterRequest { dead_letter_id: 0 };
        assert_eq!(operations.get_dead_letter(none).await.unwrap_err().code(), Code::InvalidArgument);
        let unknown = pb::GetDeadLetterRequest { dead_letter_id: 4_711 };
        let refused = operations.get_dead_letter(unknown).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "DEAD_LETTER_NOT_FOUND".to_owned()));
        let page = pb::ListDeadLettersRequest { page_size: -1, ..Default::default() };
        assert_eq!(operations.list_dead_letters(page).await.unwrap_err().code(), Code::InvalidArgument);
    }
}
