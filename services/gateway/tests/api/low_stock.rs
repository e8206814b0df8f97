//! What surfaces sell, from which pools, and what they do when stock runs low.

use tandem_cache::port::Traced;
use tandem_domain::catalog::StockPolicy;
use tandem_domain::change::ThresholdsChange;
use tandem_domain::id::ShopId;
use tandem_domain::link::LinkEffect;
use tandem_domain::relation::Relation;
use tandem_domain::stock::{PolicySet, Pool, ShopThresholds, Supply, Thresholds};
use tandem_domain::surface::{AnchorRules, CompanionRules, StockRules};
use tandem_proto::v1::explained_set::Part;
use tandem_proto::v1::{
    self, Adjustment, DropReason, ExplainRelatedProductRequest, ListBasketCompanionsRequest,
    ListBundleSetsRequest, ListBundleSetsResponse, ListRelatedProductsRequest, ListRelatedProductsResponse,
    View,
};
use tandem_testing::wait_until;
use tonic::Code;

use crate::near::compare_all;
use crate::shop::{self, STORE_EPOCH, marketplace, product};
use crate::world::{LONG, World, on_both};

impl World {
    /// Judges these products by new thresholds of the shop.
    pub(crate) async fn set_thresholds(&self, low: u32, critical: u32, products: &[&str]) {
        let change = ThresholdsChange {
            of: ShopThresholds {
                shop: ShopId::new("default").unwrap(),
                thresholds: Thresholds {
                    low,
                    critical,
                    ..Thresholds::default()
                },
                version: self.next_version(),
            },
            products: products.iter().map(|id| product(id)).collect(),
        };
        let change = Traced {
            change,
            traceparent: String::new(),
        };
        assert!(
            self.cache
                .put_thresholds(&marketplace(), STORE_EPOCH, &change)
                .await
                .unwrap()
        );
    }

    async fn set_rules(&self, surface: &str, rules: StockRules) {
        self.set_surface(surface, |surface| surface.stock = rules).await;
    }

    async fn list(&self, debug: bool) -> ListRelatedProductsResponse {
        let request = ListRelatedProductsRequest {
            product_id: "phone".into(),
            debug,
            ..Default::default()
        };
        self.related
            .clone()
            .list_related_products(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The companions of a basket, as kept and as read anew alike, with what stock did to their places.
    async fn basket(&self, products: &[&str], excluded: &[&str]) -> Vec<(String, Adjustment)> {
        let names = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let ask = async |view: View| {
            let request = ListBasketCompanionsRequest {
                product_ids: names(products),
                exclude_product_ids: names(excluded),
                view: view.into(),
                ..Default::default()
            };
            let answer = self
                .related
                .clone()
                .list_basket_companions(request)
                .await
                .unwrap();
            let items = answer.into_inner().items;
            items
                .into_iter()
                .map(|item| (item.product_id.clone(), item.adjustment()))
                .collect::<Vec<_>>()
        };
        let kept = ask(View::Basic).await;
        // Between the two the feed may have moved on.
        match ask(View::Full).await {
            anew if anew == kept => kept,
            anew => {
                assert_eq!(ask(View::Basic).await, anew);
                anew
            }
        }
    }

    async fn sets(&self, pool: &str) -> ListBundleSetsResponse {
        let request = ListBundleSetsRequest {
            product_id: "phone".into(),
            pool: pool.into(),
            ..Default::default()
        };
        self.bundles
            .clone()
            .list_bundle_sets(request)
            .await
            .unwrap()
            .into_inner()
    }

    async fn explain(&self, companion: &str) -> v1::ExplainRelatedProductResponse {
        self.explain_on("", companion).await
    }

    async fn explain_on(&self, surface: &str, companion: &str) -> v1::ExplainRelatedProductResponse {
        let request = ExplainRelatedProductRequest {
            product_id: "phone".into(),
            companion_product_id: companion.into(),
            surface_id: surface.into(),
            ..Default::default()
        };
        self.related
            .clone()
            .explain_related_product(request)
            .await
            .unwrap()
            .into_inner()
    }
}

fn companion(rules: CompanionRules) -> StockRules {
    StockRules {
        companion: rules,
        ..StockRules::default()
    }
}

fn anchor(rules: AnchorRules) -> StockRules {
    StockRules {
        anchor: rules,
        ..StockRules::default()
    }
}

const LOW: Option<Supply> = Some(Supply::Low);

on_both! {
    async fn a_companion_that_runs_low_is_demoted_with_its_reason(world: World) {
        world.set_rules("detail_page", companion(CompanionRules { demote: LOW, ..Default::default() })).await;
        world.set_thresholds(5, 0, &["case"]).await;
        world.set_stock("case", 3).await;
        world.until_companions("phone", &["charger", "film", "case-b", "stand", "phone-b", "phone-pro", "case"]).await;
        let last = world.list(false).await.items.pop().unwrap();
        assert_eq!((last.supply(), last.adjustment()), (v1::Supply::Low, Adjustment::Demoted));
        let explained = world.explain("case").await;
        assert_eq!((explained.position, explained.companion_supply()), (7, v1::Supply::Low));
        assert_eq!(explained.adjustment(), Adjustment::Demoted);
        assert_eq!(explained.anchor_supply(), v1::Supply::Plenty);
        compare_all(&world).await;
        world.set_links("phone", &[("case", LinkEffect::Pin { position: 2 })]).await;
        world.until_companions("phone", &["charger", "case", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        compare_all(&world).await;
        world.set_links("phone", &[]).await;
        world.set_stock("case", 6).await;
        world.until_companions("phone", &["case", "charger", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
    }

    async fn a_companion_that_runs_low_is_dropped_and_told(world: World) {
        world.set_rules("detail_page", companion(CompanionRules { drop: LOW, ..Default::default() })).await;
        world.set_thresholds(5, 0, &[]).await;
        world.set_stock("case", 3).await;
        world.until_companions("phone", &["charger", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        let dropped = world.list(true).await.dropped;
        let case = dropped.iter().find(|dropped| dropped.product_id == "case").unwrap();
        assert_eq!(case.reason(), DropReason::LowStock);
        assert_eq!(world.explain("case").await.drop_reason(), DropReason::LowStock);
        compare_all(&world).await;
    }

    async fn substitutes_lead_while_the_anchor_runs_low(world: World) {
        let rules = AnchorRules { lead_with_substitutes: LOW, ..Default::default() };
        world.set_rules("detail_page", anchor(rules)).await;
        world.set_thresholds(25, 0, &["phone"]).await;
        world.until_companions("phone", &["phone-b", "case", "charger", "film", "case-b", "stand", "phone-pro"]).await;
        let answer = world.list(false).await;
        assert_eq!(answer.anchor_supply(), v1::Supply::Low);
        assert_eq!(answer.items[0].adjustment(), Adjustment::Leads);
        assert_eq!(world.explain("phone-b").await.adjustment(), Adjustment::Leads);
        compare_all(&world).await;
        world.set_thresholds(0, 0, &["phone"]).await;
        world.until_companions("phone", &["case", "charger", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        assert_eq!(world.list(false).await.anchor_supply(), v1::Supply::Plenty);
        compare_all(&world).await;
    }

    async fn nothing_is_shown_around_an_anchor_that_is_hidden(world: World) {
        world.set_rules("detail_page", anchor(AnchorRules { hide: LOW, ..Default::default() })).await;
        world.set_thresholds(25, 0, &["phone"]).await;
        world.until_companions("phone", &[]).await;
        let answer = world.list(true).await;
        assert!(answer.dropped.iter().any(|dropped| dropped.reason() == DropReason::AnchorLow));
        assert_eq!(world.explain("case").await.drop_reason(), DropReason::AnchorLow);
        compare_all(&world).await;
    }

    async fn substitutes_lead_a_basket_while_one_of_its_products_runs_low(world: World) {
        let rules = AnchorRules { lead_with_substitutes: LOW, ..Default::default() };
        world.set_rules("cart", anchor(rules)).await;
        let before = world.basket(&["phone", "case"], &[]).await;
        assert_ne!(before[0].0, "phone-b");
        world.set_thresholds(25, 0, &["phone"]).await;
        let leads = async || world.basket(&["phone", "case"], &[]).await[0] == ("phone-b".to_owned(), Adjustment::Leads);
        wait_until(LONG, "the substitute to lead", leads).await.unwrap();
        let rest = &world.basket(&["phone", "case"], &[]).await[1..];
        let others: Vec<_> = before.iter().filter(|(id, _)| id != "phone-b").collect();
        assert_eq!(rest.iter().collect::<Vec<_>>(), others, "the others keep their order");
        world.set_thresholds(0, 0, &["phone"]).await;
        let back = async || world.basket(&["phone", "case"], &[]).await == before;
        wait_until(LONG, "the usual order", back).await.unwrap();
    }

    async fn a_product_of_a_basket_that_is_hidden_casts_no_vote(world: World) {
        world.set_rules("cart", anchor(AnchorRules { hide: LOW, ..Default::default() })).await;
        let alone = world.basket(&["charger"], &["phone"]).await;
        let before = world.basket(&["charger", "phone"], &[]).await;
        assert_ne!(before, alone);
        world.set_thresholds(25, 0, &["phone"]).await;
        let silent = async || world.basket(&["charger", "phone"], &[]).await == alone;
        wait_until(LONG, "the vote to be left out", silent).await.unwrap();
        assert_eq!(world.basket(&["phone"], &[]).await, [], "nothing is shown around it");
        world.set_thresholds(0, 0, &["phone"]).await;
        let back = async || world.basket(&["charger", "phone"], &[]).await == before;
        wait_until(LONG, "the vote", back).await.unwrap();
    }

    async fn companions_that_run_low_are_demoted_and_dropped_in_baskets_too(world: World) {
        world.set_rules("cart", companion(CompanionRules { demote: LOW, ..Default::default() })).await;
        let before = world.basket(&["phone", "charger"], &[]).await;
        let first = before[0].0.clone();
        world.set_thresholds(5, 0, &[]).await;
        world.set_stock(&first, 3).await;
        let demoted = async || {
            let basket = world.basket(&["phone", "charger"], &[]).await;
            basket.len() == before.len() && basket.last() == Some(&(first.clone(), Adjustment::Demoted))
        };
        wait_until(LONG, "the demotion", demoted).await.unwrap();
        world.set_rules("cart", companion(CompanionRules { drop: LOW, ..Default::default() })).await;
        let dropped = async || {
            let basket = world.basket(&["phone", "charger"], &[]).await;
            basket.len() + 1 == before.len() && basket.iter().all(|(id, _)| *id != first)
        };
        wait_until(LONG, "the drop", dropped).await.unwrap();
    }

    async fn sets_are_suspended_while_the_anchor_runs_low_and_marked_otherwise(world: World) {
        world.set_thresholds(25, 0, &["phone"]).await;
        let marked = async || world.sets("").await.anchor_supply() == v1::Supply::Low;
        wait_until(LONG, "the mark", marked).await.unwrap();
        assert_eq!(world.sets("").await.sets.len(), 2, "kept, but marked");
        let rules = StockRules {
            anchor: AnchorRules { suspend_bundles: LOW, ..Default::default() },
            ..StockRules::default()
        };
        world.set_rules("live_room", rules).await;
        let suspended = async || world.sets("").await.suspended;
        wait_until(LONG, "the suspension", suspended).await.unwrap();
        assert!(world.sets("").await.sets.is_empty());
        let explained = world.explain_on("live_room", "case").await;
        assert!(explained.bundles_suspended && explained.sets.is_empty(), "{explained:?}");
        assert!(!world.explain("case").await.bundles_suspended, "another surface's rule");
        world.set_thresholds(0, 0, &["phone"]).await;
        let restored = async || world.sets("").await.sets.len() == 2;
        wait_until(LONG, "the sets", restored).await.unwrap();
    }

    async fn a_part_that_runs_low_is_replaced_in_kind(world: World) {
        let rules = StockRules {
            companion: CompanionRules { replace: LOW, ..Default::default() },
            ..StockRules::default()
        };
        world.set_rules("live_room", rules).await;
        world.set_thresholds(5, 0, &[]).await;
        world.set_stock("case", 3).await;
        let part = async || world.sets("").await.sets.into_iter().next().map(|set| set.items[1].clone());
        let replaced = async || part().await.is_some_and(|part| part.product_id == "case-b");
        wait_until(LONG, "the stand-in", replaced).await.unwrap();
        let part = part().await.unwrap();
        assert_eq!((part.replaces_product_id.as_str(), part.replaces_reason()), ("case", DropReason::LowStock));
        let first = world.sets("").await.sets[0].bundle_id.clone();
        let explained = async |companion: &str| {
            let mut sets = world.explain_on("live_room", companion).await.sets.into_iter();
            let set = sets.find(|set| set.bundle_id == first).unwrap();
            (set.part(), set.other_product_id.clone(), set.reason())
        };
        assert_eq!(explained("case").await, (Part::Replaced, "case-b".into(), DropReason::LowStock));
        assert_eq!(explained("case-b").await, (Part::StandsIn, "case".into(), DropReason::LowStock));
        let kept = &world.sets("").await.sets[0].items[2].product_id;
        assert_eq!(explained(kept).await, (Part::Kept, String::new(), DropReason::Unspecified));
    }

    async fn substitutes_lead_where_the_surface_does_not_list_them(world: World) {
        world.until_companions("phone", &["case", "charger", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        let rules = AnchorRules { lead_with_substitutes: LOW, ..Default::default() };
        world.set_surface("detail_page", |surface| {
            surface.relations = vec![Relation::Complement];
            surface.stock = anchor(rules);
        }).await;
        world.set_thresholds(25, 0, &["phone"]).await;
        let leads = async || world.list(false).await.items.first().map(|item| item.product_id.clone());
        let led = async || leads().await.as_deref() == Some("phone-b");
        wait_until(LONG, "the substitute to lead", led).await.unwrap();
        let answer = world.list(false).await;
        assert_eq!(answer.items[0].adjustment(), Adjustment::Leads);
        compare_all(&world).await;
    }

    async fn a_room_sells_from_its_own_pool_plus_normal_as_configured(world: World) {
        let room = Pool::Room("42".into());
        let own = shop::stock("charger", "charger-sku", room, 5, world.next_version());
        world.cache.put_stock(&marketplace(), STORE_EPOCH, &[own]).await.unwrap();
        world.set_stock("charger", 1).await;
        let count = async |pool: &str| world.sets(pool).await.sets[0].items[2].sellable_count;
        let joined = async || count("room:42").await == 6;
        wait_until(LONG, "both pools", joined).await.unwrap();
        assert_eq!((count("").await, count("room:43").await), (1, 1), "another room's is not touched");
        let own = StockRules { pools: vec![tandem_domain::stock::PoolKind::Room], ..StockRules::default() };
        world.set_rules("live_room", own).await;
        let none = async || world.sets("room:42").await.sets.is_empty();
        wait_until(LONG, "the room's own pool alone", none).await.unwrap();
        let foreign = ListRelatedProductsRequest {
            product_id: "phone".into(),
            pool: "promotion".into(),
            ..Default::default()
        };
        let refused = world.related.clone().list_related_products(foreign).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "the detail page sells from no promotion");
    }

    async fn a_surface_counts_what_it_says(world: World) {
        let mut later = shop::stock("case", "case-later", Pool::Normal, 0, world.next_version());
        later.change.policy = StockPolicy::PreOrder;
        world.cache.put_stock(&marketplace(), STORE_EPOCH, &[later]).await.unwrap();
        world.set_stock("case", 0).await;
        let many = async || {
            let items = world.list(false).await.items;
            items.first().is_some_and(|item| item.product_id == "case" && item.sellable_count == 255)
        };
        wait_until(LONG, "the pre-order", many).await.unwrap();
        let now = StockRules { counts: PolicySet::of(StockPolicy::Tracked), ..StockRules::default() };
        world.set_rules("detail_page", now).await;
        world.until_companions("phone", &["charger", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        compare_all(&world).await;
    }
}
