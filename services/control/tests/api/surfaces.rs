use tandem_proto::v1 as pb;
use tandem_proto::v1::surface_revision::Action;
use tonic::Code;

use crate::house::{Control, NOW, on_both};
use crate::samples::{second, surface_update};
use crate::shown::reason;

async fn updated(control: &Control, request: pb::UpdateSurfaceRequest) -> pb::Surface {
    let mut surfaces = control.surfaces.clone();
    surfaces
        .update_surface(request)
        .await
        .expect("the surface is changed")
        .into_inner()
}

async fn found(control: &Control, id: &str) -> Result<pb::Surface, tonic::Status> {
    let request = pb::GetSurfaceRequest {
        surface_id: id.to_owned(),
    };
    control
        .surfaces
        .clone()
        .get_surface(request)
        .await
        .map(tonic::Response::into_inner)
}

fn stock_rules() -> pb::StockRules {
    pb::StockRules {
        counts: vec![pb::StockPolicy::Tracked.into(), pb::StockPolicy::PreOrder.into()],
        pools: vec![pb::PoolKind::Room.into(), pb::PoolKind::Normal.into()],
        anchor: Some(pb::AnchorRules {
            lead_with_substitutes: pb::Supply::Low.into(),
            suspend_bundles: pb::Supply::Critical.into(),
            hide: pb::Supply::Out.into(),
        }),
        companion: Some(pb::CompanionRules {
            demote: pb::Supply::Low.into(),
            replace: pb::Supply::Critical.into(),
            drop: 0,
        }),
    }
}

on_both! {
    async fn stock_rules_are_changed_as_a_whole_and_put_back(house: House) {
        let control = house.control().await;
        let before = found(&control, "cart").await.unwrap();
        assert_eq!(before.stock.as_ref().unwrap().counts.len(), 4, "every policy counts");
        let mut request = surface_update("cart", &["stock"]);
        request.surface.as_mut().unwrap().stock = Some(stock_rules());
        let changed = updated(&control, request.clone()).await;
        assert_eq!(changed.stock, Some(stock_rules()));
        assert_eq!(changed.relations, before.relations);
        request.surface.as_mut().unwrap().stock = None;
        assert_eq!(updated(&control, request).await.stock, before.stock);
    }

    async fn stock_rules_that_cannot_be_meant_are_refused_with_their_field(house: House) {
        let control = house.control().await;
        let refused = async |change: fn(&mut pb::StockRules)| {
            let mut request = surface_update("cart", &["stock"]);
            let mut rules = stock_rules();
            change(&mut rules);
            request.surface.as_mut().unwrap().stock = Some(rules);
            let status = control.surfaces.clone().update_surface(request).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
            let details = tonic_types::StatusExt::get_details_bad_request(&status).unwrap();
            let first = &details.field_violations[0];
            (first.field.clone(), first.description.clone())
        };
        let (field, why) = refused(|rules| rules.counts.clear()).await;
        assert_eq!(field, "surface.stock");
        assert!(why.contains("counts must name a stock policy"), "{why}");
        let (_, why) = refused(|rules| rules.pools.clear()).await;
        assert!(why.contains("pools must name a kind"), "{why}");
        let (_, why) = refused(|rules| rules.pools.push(pb::PoolKind::Room.into())).await;
        assert!(why.contains("room comes twice"), "{why}");
        let (field, _) = refused(|rules| rules.counts[1] = 0).await;
        assert_eq!(field, "surface.stock.counts[1]");
        let (field, _) = refused(|rules| rules.pools[0] = 99).await;
        assert_eq!(field, "surface.stock.pools[0]");
        let (field, _) = refused(|rules| rules.companion.as_mut().unwrap().drop = 99).await;
        assert_eq!(field, "surface.stock.companion.drop");
        let (field, why) = refused(|rules| rules.anchor.as_mut().unwrap().hide = pb::Supply::Plenty.into()).await;
        assert_eq!((field.as_str(), why.contains("anchor.hide")), ("surface.stock", true), "{why}");
    }

    async fn a_surface_says_all_that_was_asked_of_it(house: House) {
        let control = house.control().await;
        let asked = pb::Surface {
            relations: vec![pb::Relation::Substitute.into(), pb::Relation::Upsell.into()],
            quotas: vec![pb::RelationQuota { relation: pb::Relation::Upsell.into(), max_items: 3 }],
            default_size: 12,
            min_price_percent: 50,
            max_price_percent: 180,
            max_per_brand: 2,
            max_per_category: 3,
            max_per_shop: 4,
            shop_scope: pb::ShopScope::SameShop.into(),
            fallback: vec![pb::Source::Manual.into(), pb::Source::Learned.into()],
            show_unknown_stock: true,
            max_stock_age_ms: 5_000,
            stale_lists: pb::WhenStale::Suppress.into(),
            stale_bundles: pb::WhenStale::Mark.into(),
            experiment: Some(pb::Experiment { experiment_id: "sizes".to_owned(), arm: "b".to_owned() }),
            rank_by_feedback: true,
            exploration_position: 9,
            attach_share_percent: 20,
            attach_min_score_percent: 60,
            attach_slow_below: 5,
            attach_new_days: 14,
            attach_clearance: true,
            stock: Some(stock_rules()),
            ..surface_update("mine", &[]).surface.unwrap()
        };
        let request = pb::UpdateSurfaceRequest {
            surface: Some(asked.clone()),
            allow_missing: true,
            ..surface_update("mine", &["*"])
        };
        let made = updated(&control, request).await;
        let expected = pb::Surface {
            etag: made.etag.clone(),
            update_time: second(NOW.as_ms() / 1_000),
            ..asked
        };
        assert_eq!(made, expected);
        assert_eq!(found(&control, "mine").await.unwrap(), made);
        let listed = control.surfaces.clone().list_surfaces(pb::ListSurfacesRequest::default()).await;
        let listed = listed.unwrap().into_inner().surfaces;
        let ids: Vec<_> = listed.iter().map(|surface| (surface.surface_id.as_str(), surface.built_in)).collect();
        let expected = [("cart", true), ("detail_page", true), ("live_room", true), ("mall", true), ("mine", false), ("short_video", true)];
        assert_eq!(ids, expected);
    }

    async fn a_mask_says_what_changes_and_without_one_what_is_given_does(house: House) {
        let control = house.control().await;
        let before = found(&control, "cart").await.unwrap();
        let mut request = surface_update("cart", &["max_per_brand"]);
        let given = request.surface.as_mut().unwrap();
        (given.max_per_brand, given.default_size) = (2, 9);
        let masked = updated(&control, request.clone()).await;
        assert_eq!((masked.max_per_brand, masked.default_size), (2, before.default_size));
        request.update_mask = None;
        let given = updated(&control, request.clone()).await;
        assert_eq!((given.max_per_brand, given.default_size), (2, 9));
        assert_eq!(given.relations, before.relations, "what is not given stays");
        request.update_mask = surface_update("", &["max_per_brand"]).update_mask;
        request.surface.as_mut().unwrap().max_per_brand = 0;
        let opened = updated(&control, request).await;
        assert_eq!((opened.max_per_brand, opened.default_size), (0, 9), "0 takes a cap away");
    }

    async fn history_leads_back(house: House) {
        let control = house.control().await;
        let mut request = surface_update("mall", &["default_size"]);
        for size in [5, 6] {
            request.surface.as_mut().unwrap().default_size = size;
            updated(&control, request.clone()).await;
        }
        let mut surfaces = control.surfaces.clone();
        let back = pb::RollbackSurfaceRequest { surface_id: "mall".to_owned(), version: 1, reason: "enough".to_owned(), ..Default::default() };
        let put_back = surfaces.rollback_surface(back).await.unwrap().into_inner();
        assert_eq!((put_back.default_size, put_back.etag.as_str()), (20, "4"));
        let mut request = pb::ListSurfaceRevisionsRequest { surface_id: "mall".to_owned(), page_size: 3, ..Default::default() };
        let first = surfaces.list_surface_revisions(request.clone()).await.unwrap().into_inner();
        request.page_token = first.next_page_token;
        let rest = surfaces.list_surface_revisions(request).await.unwrap().into_inner();
        assert_eq!(rest.next_page_token, "");
        let line = |revision: &pb::SurfaceRevision| {
            let size = revision.surface.as_ref().unwrap().default_size;
            (revision.version, revision.action(), size, revision.reason.clone())
        };
        let told: Vec<_> = first.revisions.iter().chain(&rest.revisions).map(line).collect();
        let why = |why: &str| why.to_owned();
        assert_eq!(told, [
            (4, Action::Rollback, 20, why("enough")),
            (3, Action::Update, 6, why("a test")),
            (2, Action::Update, 5, why("a test")),
            (1, Action::Create, 20, why("")),
        ]);
    }

    async fn what_cannot_be_done_with_surfaces_says_why(house: House) {
        let control = house.control().await;
        let mut surfaces = control.surfaces.clone();
        let nobody = found(&control, "mine").await.unwrap_err();
        assert_eq!(reason(&nobody), (Code::NotFound, "SURFACE_NOT_FOUND".to_owned()));
        let missing = surfaces.update_surface(surface_update("mine", &["*"])).await.unwrap_err();
        assert_eq!(reason(&missing).0, Code::InvalidArgument, "an empty surface breaks rules");
        let mut request = surface_update("mine", &["default_size"]);
        request.surface.as_mut().unwrap().default_size = 3;
        let missing = surfaces.update_surface(request.clone()).await.unwrap_err();
        assert_eq!(reason(&missing), (Code::NotFound, "SURFACE_NOT_FOUND".to_owned()));
        request.surface.as_mut().unwrap().surface_id = "cart".to_owned();
        request.surface.as_mut().unwrap().etag = "9".to_owned();
        let stale = surfaces.update_surface(request).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
        let delete = |id: &str| pb::DeleteSurfaceRequest { surface_id: id.to_owned(), ..Default::default() };
        let built_in = surfaces.delete_surface(delete("cart")).await.unwrap_err();
        assert_eq!(reason(&built_in), (Code::FailedPrecondition, "SURFACE_BUILT_IN".to_owned()));
        let mut request = surface_update("cart", &["max_price_percent", "min_price_percent"]);
        let given = request.surface.as_mut().unwrap();
        (given.min_price_percent, given.max_price_percent) = (90, 80);
        let contradiction = surfaces.update_surface(request).await.unwrap_err();
        assert_eq!(reason(&contradiction), (Code::InvalidArgument, "SURFACE_INVALID".to_owned()));
        let message = contradiction.message();
        assert!(message.starts_with("surface cart: ") && message.contains("_price_percent: "), "{message}");
        let back = pb::RollbackSurfaceRequest { surface_id: "cart".to_owned(), version: 7, ..Default::default() };
        let never = surfaces.rollback_surface(back).await.unwrap_err();
        assert_eq!(reason(&never), (Code::NotFound, "SURFACE_REVISION_NOT_FOUND".to_owned()));
    }
}
