//! `tandem query related` and `tandem query basket`: companions, in a list.

use anyhow::Result;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::{ListBasketCompanionsRequest, ListRelatedProductsRequest};

use super::text::{print_freshness, print_items, reason_text, relation_text};
use crate::args::Common;
use crate::client::explain;
use crate::output;

pub(super) async fn related(common: &Common, request: ListRelatedProductsRequest) -> Result<()> {
    let mut client = RelatedProductsClient::new(common.gateway().await?);
    let answer = client
        .list_related_products(request)
        .await
        .map_err(|s| explain(&s))?
        .into_inner();
    if common.json {
        return output::print_message("ListRelatedProductsResponse", &answer);
    }
    print_items(&answer.items);
    for dropped in &answer.dropped {
        println!(
            "dropped {} ({}): {}",
            dropped.product_id,
            relation_text(dropped.relation()),
            reason_text(dropped.reason())
        );
    }
    print_freshness(answer.freshness.as_ref());
    println!("generation {}", answer.generation);
    Ok(())
}

pub(super) async fn basket(common: &Common, request: ListBasketCompanionsRequest) -> Result<()> {
    let mut client = RelatedProductsClient::new(common.gateway().await?);
    let answer = client
        .list_basket_companions(request)
        .await
        .map_err(|s| explain(&s))?
        .into_inner();
    if common.json {
        return output::print_message("ListBasketCompanionsResponse", &answer);
    }
    print_items(&answer.items);
    for missing in &answer.missing_product_ids {
        println!("no catalogue holds {missing}");
    }
    print_freshness(answer.freshness.as_ref());
    println!("generation {}", answer.generation);
    Ok(())
}
