use std::time::Duration;

use tandem_domain::generation::{BuildStats, GenerationKind, GenerationNo, Manifest, SegmentRef};
use tandem_proto::v1 as pb;
use tandem_store::{ClaimedJob, JobOutcome, Unpublished};

use crate::house::{House, NOW, on_both};

const LEASE: Duration = Duration::from_secs(60);

async fn claim(house: &House) -> ClaimedJob {
    let claimed = house
        .store
        .claim_job("test", &["build", "rollback"], LEASE, NOW)
        .await;
    claimed.expect("the store answers").expect("a job waits")
}

/// Builds a generation as the graph worker does; the job must wait already.
async fn publish(house: &House) -> u64 {
    let (marketplace, ClaimedJob { lease, .. }) = (house.marketplace(), claim(house).await);
    let no = house
        .store
        .start_generation(&marketplace, GenerationKind::Epoch, 7, &lease, NOW)
        .await
        .unwrap();
    let segment = SegmentRef {
        id: no.0,
        path: format!("segments/{no}"),
        checksum: "00".to_owned(),
        bytes: 1,
        records: 1,
    };
    let manifest = Manifest {
        generation: no,
        segments: vec![segment],
        codec: 1,
    };
    let stats = BuildStats {
        edges: 12,
        read_seconds: 0.5,
        ..BuildStats::default()
    };
    let record = serde_json::json!({"window_days": 90});
    let published = house
        .store
        .publish_generation(&marketplace, no, &lease, &manifest, &stats, &record, NOW);
    published.await.unwrap();
    house
        .store
        .finish_job(&lease, JobOutcome::Succeeded(no))
        .await
        .unwrap();
    no.0
}

async fn refuse_one(house: &House) -> u64 {
    let (marketplace, ClaimedJob { lease, .. }) = (house.marketplace(), claim(house).await);
    let no = house
        .store
        .start_generation(&marketplace, GenerationKind::Epoch, 7, &lease, NOW)
        .await
        .unwrap();
    let stats = BuildStats::default();
    let ended = house
        .store
        .end_generation(&marketplace, no, Unpublished::Refused, &stats, "collapsed", NOW);
    ended.await.unwrap();
    house
        .store
        .finish_job(&lease, JobOutcome::Failed("collapsed".to_owned()))
        .await
        .unwrap();
    no.0
}

on_both! {
    async fn a_build_is_answered_at_once_and_followed_to_its_end(house: House) {
        let mut operations = house.control().await.operations;
        let job = operations.trigger_build(pb::TriggerBuildRequest::default()).await.unwrap().into_inner();
        assert_eq!(job.state(), pb::job::State::Queued);
        let again = operations.trigger_build(pb::TriggerBuildRequest::default()).await.unwrap().into_inner();
        assert_eq!(again.job_id, job.job_id);

        let generation = publish(&house).await;
        let request = pb::GetJobRequest { job_id: job.job_id };
        let done = operations.get_job(request).await.unwrap().into_inner();
        assert_eq!((done.state(), done.generation), (pb::job::State::Succeeded, generation));
        let other = operations.trigger_build(pb::TriggerBuildRequest::default()).await.unwrap().into_inner();
        assert_ne!(other.job_id, done.job_id);
    }

    async fn a_pair_is_explained_by_a_job_that_ends_with_its_counters(house: House) {
        let mut operations = house.control().await.operations;
        let request = pb::ExplainPairRequest {
            product_id: "tea".to_owned(), companion_product_id: "mug".to_owned(), ..Default::default()
        };
        let job = operations.explain_pair(request).await.unwrap().into_inner();
        assert_eq!((job.state(), &job.pair), (pb::job::State::Queued, &None));

        let claimed = house.store.claim_job("test", &["explain_pair"], LEASE, NOW).await.unwrap().unwrap();
        let report = r#"{
            "anchor": "tea", "companion": "mug",
            "counts": [{"verdict": "chance", "evidence": {"signal": "co_purchase", "support": 4, "anchor_count": 7,
                "companion_count": 5, "total": 12, "lift": 1.5, "llr": 0.5, "window_days": 90}}],
            "places": [{"relation": "together", "rank": 0, "score": 0.0, "length": 50, "cut_off": 0.25}]
        }"#;
        let outcome = JobOutcome::Reported(GenerationNo(3), report.to_owned());
        house.store.finish_job(&claimed.lease, outcome).await.unwrap();

        let request = pb::GetJobRequest { job_id: job.job_id };
        let done = operations.get_job(request).await.unwrap().into_inner();
        assert_eq!((done.state(), done.generation), (pb::job::State::Succeeded, 3));
        let pair = done.pair.unwrap();
        assert_eq!((pair.product_id.as_str(), pair.companion_product_id.as_str()), ("tea", "mug"));
        let counts = &pair.counts[0];
        assert_eq!(counts.verdict(), pb::pair_counts::Verdict::Chance);
        let evidence = counts.evidence.as_ref().unwrap();
        assert_eq!((evidence.signal(), evidence.support), (pb::Signal::CoPurchase, 4));
        assert_eq!(evidence.text, "57 % of 7 orders");
        let place = &pair.places[0];
        assert_eq!((place.relation(), place.rank, place.length), (pb::Relation::Together, 0, 50));
    }

    async fn the_generation_on_serve_is_shown_with_its_epoch_record(house: House) {
        let mut operations = house.control().await.operations;
        operations.trigger_build(pb::TriggerBuildRequest::default()).await.unwrap();
        let no = publish(&house).await;
        for asked in [0, no] {
            let request = pb::GetGenerationRequest { generation: asked };
            let found = operations.get_generation(request).await.unwrap().into_inner();
            assert_eq!((found.generation, found.serving, found.watermark), (no, true, 7));
            assert_eq!(found.state(), pb::generation::State::Published);
            assert_eq!(found.kind(), pb::generation::Kind::Epoch);
            let stats = found.stats.unwrap();
            assert_eq!((stats.edges, stats.read_seconds), (12, 0.5));
            let record: serde_json::Value = serde_json::from_str(&found.epoch_record_json).unwrap();
            assert_eq!(record["window_days"], 90);
        }
    }

    async fn generations_are_paged_newest_first_and_an_old_one_can_be_put_back(house: House) {
        let mut operations = house.control().await.operations;
        let mut made = Vec::new();
        for _ in 0..3 {
            operations.trigger_build(pb::TriggerBuildRequest::default()).await.unwrap();
            made.push(publish(&house).await);
        }
        operations.trigger_build(pb::TriggerBuildRequest::default()).await.unwrap();
        made.push(refuse_one(&house).await);
        made.reverse();

        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListGenerationsRequest { page_size: 3, page_token: token };
            let page = operations.list_generations(request).await.unwrap().into_inner();
            seen.extend(page.generations.iter().map(|generation| generation.generation));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, made);

        let oldest = made[3];
        let request = pb::RollbackGenerationRequest { generation: oldest, reason: "it sold more".to_owned(), request_id: "back".to_owned() };
        let job = operations.rollback_generation(request.clone()).await.unwrap().into_inner();
        let again = operations.rollback_generation(request.clone()).await.unwrap().into_inner();
        assert_eq!(again, job);
        let other = pb::RollbackGenerationRequest { generation: 999, ..request };
        let reused = operations.rollback_generation(other).await.unwrap_err();
        assert_eq!(
            crate::shown::reason(&reused),
            (tonic::Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned()),
            "before its target is looked for"
        );
        assert_eq!(job.state(), pb::job::State::Queued);
        let audit = house.store.audit(&house.marketplace(), 1).await.unwrap();
        assert_eq!((audit[0].action.as_str(), audit[0].reason.as_str()), ("rollback_generation", "it sold more"));
        let claimed = claim(&house).await;
        assert_eq!(claimed.job.id.as_str(), job.job_id);
        let marketplace = house.marketplace();
        house.store.serve_generation(&marketplace, GenerationNo(oldest), &claimed.lease, NOW).await.unwrap();
        let request = pb::GetGenerationRequest { generation: 0 };
        let serving = operations.get_generation(request).await.unwrap().into_inner();
        assert_eq!(serving.generation, oldest);

        let request = pb::RollbackGenerationRequest { generation: made[0], ..Default::default() };
        let refused = operations.rollback_generation(request).await.unwrap_err();
        assert_eq!(
            crate::shown::reason(&refused),
            (tonic::Code::FailedPrecondition, "GENERATION_NOT_PUBLISHED".to_owned())
        );
    }
}
