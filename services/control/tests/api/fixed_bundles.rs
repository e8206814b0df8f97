//! Merchants' fixed bundles.

use tandem_domain::change::Change;
use tandem_proto::v1 as pb;
use tandem_proto::v1::fixed_bundles_client::FixedBundlesClient;
use tonic::Code;

use crate::house::{House, on_both};
use crate::samples::{products, stock_up};

fn member(id: &str, quantity: u32, alternates: &[&str]) -> pb::FixedBundleMember {
    pb::FixedBundleMember {
        product_id: id.to_owned(),
        quantity,
        role: String::new(),
        alternate_product_ids: alternates.iter().map(|id| (*id).to_owned()).collect(),
    }
}

fn creation(members: Vec<pb::FixedBundleMember>) -> pb::CreateFixedBundleRequest {
    pb::CreateFixedBundleRequest {
        fixed_bundle: Some(pb::FixedBundle {
            anchor_product_id: "a".to_owned(),
            title: "Tea for two".to_owned(),
            members,
            ..pb::FixedBundle::default()
        }),
        request_id: String::new(),
    }
}

/// The last fixed bundles that SQL tells the projection.
async fn told(house: &House) -> Vec<tandem_domain::bundle::AnchorBundles> {
    use futures::TryStreamExt as _;
    let marketplace = tandem_domain::id::MarketplaceId::new("default").unwrap();
    let pages: Vec<Vec<Change>> = house
        .store
        .scan_changes(&marketplace)
        .try_collect()
        .await
        .unwrap();
    let bundles = pages.into_iter().flatten().filter_map(|change| match change {
        Change::Bundles(bundles) => Some(bundles),
        _ => None,
    });
    bundles.collect()
}

on_both! {
    async fn a_bundle_is_created_listed_told_and_deleted(house: House) {
        let control = house.control().await;
        stock_up(&control, &["a", "b", "c", "d"]).await;
        let mut bundles = FixedBundlesClient::new(control.channel.clone());
        let request = creation(vec![member("b", 0, &["d"]), member("c", 2, &[])]);
        let made = bundles.create_fixed_bundle(request).await.unwrap().into_inner();
        assert_eq!((made.members[0].quantity, made.members[0].role.as_str()), (1, "b"));
        let of_a = pb::ListFixedBundlesRequest { anchor_product_id: "a".to_owned() };
        let listed = bundles.list_fixed_bundles(of_a.clone()).await.unwrap().into_inner();
        assert_eq!(listed.fixed_bundles, std::slice::from_ref(&made));
        let projected = told(&house).await;
        assert_eq!((projected.len(), projected[0].version, projected[0].bundles.len()), (1, 1, 1));
        let delete = pb::DeleteFixedBundleRequest { fixed_bundle_id: made.fixed_bundle_id, ..Default::default() };
        assert!(bundles.delete_fixed_bundle(delete.clone()).await.unwrap().into_inner().deleted);
        assert!(!bundles.delete_fixed_bundle(delete).await.unwrap().into_inner().deleted);
        assert!(bundles.list_fixed_bundles(of_a).await.unwrap().into_inner().fixed_bundles.is_empty());
        let projected = told(&house).await;
        assert!(projected[0].bundles.is_empty() && projected[0].version > 1, "the empty set outranks the old one");
    }

    async fn nonsense_and_what_is_missing_is_refused(house: House) {
        let control = house.control().await;
        control.catalog.clone().batch_upsert_products(products(&["a", "b", "c"])).await.unwrap();
        let mut bundles = FixedBundlesClient::new(control.channel.clone());
        for (members, code) in [
            (vec![member("b", 1, &[])], Code::InvalidArgument),
            (vec![member("b", 1, &[]), member("b", 1, &[])], Code::InvalidArgument),
            (vec![member("b", 1, &[]), member("a", 1, &[])], Code::InvalidArgument),
            (vec![member("b", 101, &[]), member("c", 1, &[])], Code::InvalidArgument),
            (vec![member("b", 1, &["b"]), member("c", 1, &[])], Code::InvalidArgument),
            (vec![member("b", 1, &[]), member("nobody", 1, &[])], Code::NotFound),
            (vec![member("b", 1, &["nobody"]), member("c", 1, &[])], Code::NotFound),
        ] {
            let request = creation(members);
            let refused = bundles.create_fixed_bundle(request.clone()).await.unwrap_err();
            assert_eq!(refused.code(), code, "{request:?}");
        }
        let two = || creation(vec![member("b", 1, &[]), member("c", 1, &[])]);
        for _ in 0..20 {
            bundles.create_fixed_bundle(two()).await.unwrap();
        }
        let full = bundles.create_fixed_bundle(two()).await.unwrap_err();
        assert_eq!(full.code(), Code::FailedPrecondition);
        let unknown = pb::DeleteFixedBundleRequest { fixed_bundle_id: "nobody's".to_owned(), ..Default::default() };
        assert_eq!(bundles.delete_fixed_bundle(unknown).await.unwrap_err().code(), Code::PermissionDenied);
    }
}
