//! `tandem query bundles`: sets around a product.

use anyhow::Result;
use tandem_proto::v1::ListBundleSetsRequest;
use tandem_proto::v1::bundles_client::BundlesClient;

use super::text::{bundle_text, print_freshness, supply_text};
use crate::args::Common;
use crate::client::explain;
use crate::output;

pub(super) async fn run(common: &Common, request: ListBundleSetsRequest) -> Result<()> {
    let mut client = BundlesClient::new(common.gateway().await?);
    let answer = client
        .list_bundle_sets(request)
        .await
        .map_err(|s| explain(&s))?
        .into_inner();
    if common.json {
        return output::print_message("ListBundleSetsResponse", &answer);
    }
    for set in &answer.sets {
        println!("{}", bundle_text(set));
    }
    print_freshness(answer.freshness.as_ref());
    if answer.suspended {
        println!("suspended: the anchor is {}", supply_text(answer.anchor_supply()));
    }
    println!("generation {}", answer.generation);
    Ok(())
}
