use tandem_proto::v1 as pb;
use tonic::Code;

use crate::house::on_both;
use crate::samples::{delta, reports, set, stock_up};

/// Available, store version, applied, known.
fn outcome(outcome: &pb::StockOutcome) -> (i64, u64, bool, bool) {
    let level = outcome.level.as_ref().expect("a level");
    (
        level.available,
        level.store_version,
        outcome.applied,
        outcome.known_sku,
    )
}

on_both! {
    async fn sets_are_ordered_by_version_and_deltas_apply_once(house: House) {
        let control = house.control().await;
        stock_up(&control, &["p"]).await;
        let mut stock = control.stock;
        let request = reports(vec![
            set("p-s", 10, 5),
            set("p-s", 99, 4),
            set("p-s", 10, 5),
            delta("p-s", -3, "order-1"),
            delta("p-s", -3, "order-1"),
            delta("p-s", -9, "order-2"),
        ]);
        let answer = stock.report_stock(request).await.unwrap().into_inner();
        let seen: Vec<_> = answer.outcomes.iter().map(outcome).collect();
        assert_eq!(
            seen,
            [
                (10, 1, true, true),
                (10, 1, false, true),
                (10, 1, false, true),
                (7, 2, true, true),
                (7, 2, false, true),
                (-2, 3, true, true),
            ]
        );
    }

    async fn stock_reads_by_sku_and_pool_and_names_what_nobody_reported(house: House) {
        let control = house.control().await;
        stock_up(&control, &["p", "q"]).await;
        let mut stock = control.stock;
        let room = pb::StockReport { pool: "room:42".to_owned(), ..set("q-s", 2, 1) };
        stock.report_stock(reports(vec![set("p-s", 1, 1), room, set("q-s", 5, 1)])).await.unwrap();
        let sku_ids = ["q-s", "nobody", "p-s"].map(str::to_owned).to_vec();
        let answer = stock.batch_get_stock(pb::BatchGetStockRequest { sku_ids }).await.unwrap().into_inner();
        let levels: Vec<_> = answer
            .levels
            .iter()
            .map(|level| (level.sku_id.as_str(), level.pool.as_str(), level.available))
            .collect();
        assert_eq!(levels, [("q-s", "normal", 5), ("q-s", "room:42", 2), ("p-s", "normal", 1)]);
        assert_eq!(answer.missing_sku_ids, ["nobody"]);
    }

    async fn stock_of_a_sku_that_nobody_knows_yet_is_kept(house: House) {
        let control = house.control().await;
        let mut stock = control.stock.clone();
        let answer = stock.report_stock(reports(vec![set("p-s", 4, 1)])).await.unwrap().into_inner();
        assert!(!answer.outcomes[0].known_sku && answer.outcomes[0].applied);
        stock_up(&control, &["p"]).await;
        let answer = stock.report_stock(reports(vec![set("p-s", 4, 1)])).await.unwrap().into_inner();
        let (available, _, applied, known) = outcome(&answer.outcomes[0]);
        assert_eq!((available, applied, known), (4, false, true));
    }

    async fn a_policy_is_zeros_until_a_shop_says_and_is_replaced_under_its_etag(house: House) {
        let control = house.control().await;
        stock_up(&control, &["p"]).await;
        let mut stock = control.stock;
        let before = stock.get_stock_policy(pb::GetStockPolicyRequest {}).await.unwrap().into_inner();
        assert_eq!(before, pb::ShopStockPolicy { etag: "0".to_owned(), ..Default::default() });
        let policy = pb::ShopStockPolicy {
            low_units: 10,
            critical_units: 3,
            buffer_units: 2,
            hysteresis_units: 4,
            etag: "0".to_owned(),
        };
        let request = |policy: &pb::ShopStockPolicy| pb::UpdateStockPolicyRequest {
            policy: Some(policy.clone()),
            request_id: String::new(),
        };
        let now = stock.update_stock_policy(request(&policy)).await.unwrap().into_inner();
        assert_eq!(now, pb::ShopStockPolicy { etag: "1".to_owned(), ..policy.clone() });
        assert_eq!(stock.get_stock_policy(pb::GetStockPolicyRequest {}).await.unwrap().into_inner(), now);
        let stale = stock.update_stock_policy(request(&policy)).await.unwrap_err();
        assert_eq!(stale.code(), Code::Aborted);
        for wrong in [
            pb::ShopStockPolicy { critical_units: 11, etag: String::new(), ..policy.clone() },
            pb::ShopStockPolicy { low_units: 251, etag: String::new(), ..policy.clone() },
            pb::ShopStockPolicy { buffer_units: 2_000_000, etag: String::new(), ..policy.clone() },
        ] {
            let refused = stock.update_stock_policy(request(&wrong)).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{wrong:?}");
        }
    }
}
