//! Surfaces: every change is a version that stays, told whole and audited.

use tandem_domain::change::Change;
use tandem_domain::id::SurfaceId;
use tandem_domain::relation::Relation;
use tandem_domain::surface::{Surface, SurfaceAction, SurfacePatch, SurfaceRevision};
use tandem_store::{Missing, Result, StoreError, SurfaceUpdate, WhenMissing};

use crate::house::House;
use crate::link;
use crate::still::{NOW, repeatable};

over_both! {
    a_change_is_a_new_version_told_whole_and_audited,
    what_changes_nothing_makes_no_version,
    a_surface_of_ones_own_is_made_deleted_and_brought_back,
    a_rollback_is_a_new_version_with_the_old_content,
    a_stale_etag_changes_nothing,
    a_whole_that_contradicts_itself_is_refused_with_every_fault,
    pages_of_surfaces_and_revisions_meet,
    of_writers_with_one_etag_one_wins,
    a_repeated_call_makes_one_version,
    a_deleted_surface_takes_no_link,
}

fn id(id: &str) -> SurfaceId {
    SurfaceId::new(id).unwrap()
}

fn sized(surface: &str, size: u32) -> SurfaceUpdate {
    SurfaceUpdate {
        id: id(surface),
        patch: SurfacePatch {
            default_size: Some(size),
            ..SurfacePatch::default()
        },
        etag: None,
        when_missing: WhenMissing::Refuse,
        reason: "a try".to_owned(),
    }
}

fn made(surface: &str, size: u32) -> SurfaceUpdate {
    SurfaceUpdate {
        when_missing: WhenMissing::Create,
        ..sized(surface, size)
    }
}

async fn update(house: &House, update: &SurfaceUpdate) -> Result<SurfaceRevision> {
    house.store.update_surface(&house.context(), update).await
}

/// The surfaces that wait for the projection; nothing else may wait.
async fn told(house: &House) -> Vec<Surface> {
    let surface = |change| match change {
        Change::Surface(surface) => surface,
        other => panic!("not a surface: {other:?}"),
    };
    house.changes().await.into_iter().map(surface).collect()
}

async fn history(house: &House, surface: &str) -> Vec<(u64, SurfaceAction, u32)> {
    let found = house
        .store
        .surface_revisions(&house.marketplace, &id(surface), None, 100)
        .await;
    let line = |revision: SurfaceRevision| {
        let SurfaceRevision { surface, action, .. } = revision;
        (surface.version, action, surface.default_size)
    };
    found.unwrap().into_iter().map(line).collect()
}

async fn a_change_is_a_new_version_told_whole_and_audited(house: House) {
    told(&house).await;
    let changed = update(&house, &sized("cart", 7)).await.unwrap();
    let expected = Surface {
        default_size: 7,
        version: 2,
        ..Surface::with_defaults(id("cart"))
    };
    assert_eq!(changed.surface, expected);
    assert_eq!(
        (
            changed.action,
            changed.author.as_str(),
            changed.reason.as_str(),
            changed.time
        ),
        (SurfaceAction::Update, "insecure", "a try", NOW)
    );
    assert_eq!(told(&house).await, [expected]);
    let found = house
        .store
        .surface(&house.marketplace, &id("cart"))
        .await
        .unwrap();
    assert_eq!(found, Some(changed));
    use SurfaceAction::{Create, Update};
    assert_eq!(history(&house, "cart").await, [(2, Update, 7), (1, Create, 20)]);
    let audit = house.store.audit(&house.marketplace, 1).await.unwrap();
    assert_eq!(
        (audit[0].action.as_str(), audit[0].target.as_str()),
        ("update_surface", r#"["cart"]"#)
    );
}

async fn what_changes_nothing_makes_no_version(house: House) {
    told(&house).await;
    let same = update(&house, &sized("cart", 20)).await.unwrap();
    assert_eq!((same.surface.version, same.action), (1, SurfaceAction::Create));
    assert_eq!(told(&house).await, []);
}

async fn a_surface_of_ones_own_is_made_deleted_and_brought_back(house: House) {
    let refused = update(&house, &sized("mine", 7)).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::NotFound(Missing::Surface(_))),
        "{refused:?}"
    );
    assert_eq!(update(&house, &made("mine", 7)).await.unwrap().surface.version, 1);
    told(&house).await;
    let (store, ctx) = (&house.store, house.context());
    let gone = store
        .delete_surface(&ctx, &id("mine"), Some(1), "no use")
        .await
        .unwrap();
    assert_eq!((gone.surface.version, gone.surface.deleted), (2, true));
    assert_eq!(told(&house).await, [gone.surface]);
    assert_eq!(
        store.surface(&house.marketplace, &id("mine")).await.unwrap(),
        None
    );
    let twice = store
        .delete_surface(&ctx, &id("mine"), None, "")
        .await
        .unwrap_err();
    assert!(matches!(twice, StoreError::NotFound(_)), "{twice:?}");

    let nowhere = store
        .rollback_surface(&ctx, &id("mine"), 2, None, "")
        .await
        .unwrap_err();
    assert!(
        matches!(nowhere, StoreError::RevisionDeleted { version: 2, .. }),
        "{nowhere:?}"
    );
    let back = store
        .rollback_surface(&ctx, &id("mine"), 1, None, "")
        .await
        .unwrap();
    assert_eq!((back.surface.version, back.surface.default_size), (3, 7));
    store.delete_surface(&ctx, &id("mine"), None, "").await.unwrap();
    let anew = update(&house, &made("mine", 9)).await.unwrap();
    assert_eq!(
        (anew.surface.version, anew.action),
        (5, SurfaceAction::Create),
        "versions go on rising"
    );
    let built_in = store
        .delete_surface(&ctx, &id("cart"), None, "")
        .await
        .unwrap_err();
    assert!(matches!(built_in, StoreError::SurfaceBuiltIn(_)), "{built_in:?}");
}

async fn a_rollback_is_a_new_version_with_the_old_content(house: House) {
    for size in [7, 8] {
        update(&house, &sized("mall", size)).await.unwrap();
    }
    let (store, ctx) = (&house.store, house.context());
    let back = store
        .rollback_surface(&ctx, &id("mall"), 2, Some(3), "8 was a mistake")
        .await
        .unwrap();
    assert_eq!((back.surface.version, back.surface.default_size), (4, 7));
    use SurfaceAction::{Create, Rollback, Update};
    let expected = [(4, Rollback, 7), (3, Update, 8), (2, Update, 7), (1, Create, 20)];
    assert_eq!(history(&house, "mall").await, expected);
    let never = store
        .rollback_surface(&ctx, &id("mall"), 9, None, "")
        .await
        .unwrap_err();
    assert!(
        matches!(never, StoreError::NotFound(Missing::SurfaceRevision(_, 9))),
        "{never:?}"
    );
}

async fn a_stale_etag_changes_nothing(house: House) {
    let stale = SurfaceUpdate {
        etag: Some(4),
        ..sized("cart", 7)
    };
    let refused = update(&house, &stale).await.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::EtagMismatch {
                expected: 4,
                found: 1,
                ..
            }
        ),
        "{refused:?}"
    );
    let of_nothing = SurfaceUpdate {
        etag: Some(1),
        ..made("mine", 7)
    };
    let refused = update(&house, &of_nothing).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::EtagMismatch { found: 0, .. }),
        "{refused:?}"
    );
    assert_eq!(history(&house, "cart").await.len(), 1);
}

async fn a_whole_that_contradicts_itself_is_refused_with_every_fault(house: House) {
    let min = SurfaceUpdate {
        patch: SurfacePatch {
            min_price_percent: Some(Some(80)),
            ..SurfacePatch::default()
        },
        ..sized("cart", 0)
    };
    update(&house, &min).await.unwrap();
    let contradiction = SurfaceUpdate {
        patch: SurfacePatch {
            quotas: Some([(Relation::Upsell, 3)].into()),
            max_price_percent: Some(Some(50)),
            ..SurfacePatch::default()
        },
        ..sized("cart", 0)
    };
    let refused = update(&house, &contradiction).await.unwrap_err();
    let StoreError::SurfaceInvalid { faults, .. } = refused else {
        panic!("{refused:?}");
    };
    let fields: Vec<_> = faults.iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["quotas", "max_price_percent"]);
}

async fn pages_of_surfaces_and_revisions_meet(house: House) {
    let store = &house.store;
    let all = store.surfaces(&house.marketplace, None, 100).await.unwrap();
    let ids: Vec<_> = all.iter().map(|revision| revision.surface.id.as_str()).collect();
    assert_eq!(ids, ["cart", "detail_page", "live_room", "mall", "short_video"]);
    let rest = store
        .surfaces(&house.marketplace, Some(&id("live_room")), 100)
        .await
        .unwrap();
    assert_eq!(rest, all[3..]);
    for size in 1..5 {
        update(&house, &sized("cart", size)).await.unwrap();
    }
    let cart = id("cart");
    let page = |before, limit| store.surface_revisions(&house.marketplace, &cart, before, limit);
    let versions = |page: Vec<SurfaceRevision>| page.iter().map(|r| r.surface.version).collect::<Vec<_>>();
    assert_eq!(versions(page(None, 2).await.unwrap()), [5, 4]);
    assert_eq!(versions(page(Some(4), 100).await.unwrap()), [3, 2, 1]);
    assert_eq!(versions(page(Some(1), 100).await.unwrap()), [0; 0]);
    let never = store
        .surface_revisions(&house.marketplace, &id("never"), None, 2)
        .await;
    assert!(matches!(never, Err(StoreError::NotFound(_))), "{never:?}");
}

async fn of_writers_with_one_etag_one_wins(house: House) {
    let writes = (1..=8).map(|size| {
        let update = SurfaceUpdate {
            etag: Some(0),
            ..made("mine", size)
        };
        let (store, ctx) = (house.store.clone(), house.context());
        async move { store.update_surface(&ctx, &update).await }
    });
    let outcomes = futures::future::join_all(writes).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
    assert_eq!(history(&house, "mine").await.len(), 1);
}

async fn a_repeated_call_makes_one_version(house: House) {
    let ctx = || repeatable(house.context(), 1);
    let first = house
        .store
        .update_surface(&ctx(), &sized("cart", 7))
        .await
        .unwrap();
    update(&house, &sized("cart", 8)).await.unwrap();
    let again = house
        .store
        .update_surface(&ctx(), &sized("cart", 7))
        .await
        .unwrap();
    assert_eq!(first, again);
    assert_eq!(history(&house, "cart").await.len(), 3);
}

async fn a_deleted_surface_takes_no_link(house: House) {
    link::stock(&house).await;
    update(&house, &made("mine", 7)).await.unwrap();
    house
        .store
        .delete_surface(&house.context(), &id("mine"), None, "")
        .await
        .unwrap();
    let mut input = link::input("a", "b");
    input.surface = Some(id("mine"));
    let refused = house
        .store
        .create_link(&house.context(), &input)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::NotFound(Missing::Surface(_))),
        "{refused:?}"
    );
}
