//! `tandem explain`: why a companion is or is not shown.

use anyhow::Result;
use clap::Args;
use tandem_proto::v1::explained_set::Part;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::{ExplainRelatedProductRequest, ExplainedSet};

use super::text::{reason_text, relation_text, supply_text};
use crate::args::Common;
use crate::client::explain;
use crate::output;

/// Whose place is explained.
#[derive(Debug, Args)]
pub struct Explain {
    /// The anchor.
    product: String,
    /// The companion.
    companion: String,
    /// Serving configuration; empty for the default.
    #[arg(long, default_value = "")]
    surface: String,
    /// Pool to sell from besides the normal one, such as `room:42`.
    #[arg(long, default_value = "")]
    pool: String,
}

/// Asks the gateway, and prints the whole story.
///
/// # Errors
/// When the gateway cannot be reached, or refuses.
pub async fn run(common: &Common, asked: Explain) -> Result<()> {
    let request = ExplainRelatedProductRequest {
        product_id: asked.product,
        companion_product_id: asked.companion,
        surface_id: asked.surface,
        pool: asked.pool,
    };
    let mut client = RelatedProductsClient::new(common.gateway().await?);
    let answer = client
        .explain_related_product(request)
        .await
        .map_err(|s| explain(&s))?
        .into_inner();
    if common.json {
        return output::print_message("ExplainRelatedProductResponse", &answer);
    }
    println!("{}", output::words(answer.verdict().as_str_name(), "VERDICT_"));
    if answer.position > 0 {
        println!("position {}", answer.position);
    }
    if answer.drop_reason != 0 {
        println!("{}", reason_text(answer.drop_reason()));
    }
    if answer.adjustment != 0 {
        println!(
            "{}",
            output::words(answer.adjustment().as_str_name(), "ADJUSTMENT_")
        );
    }
    println!(
        "anchor {}, companion {}",
        supply_text(answer.anchor_supply()),
        supply_text(answer.companion_supply())
    );
    if answer.bundles_suspended {
        println!("the anchor runs low: its bundles are suspended");
    }
    for set in &answer.sets {
        println!("{}", in_set(set));
    }
    let mut edges = output::table(&[
        "relation",
        "rank",
        "score",
        "evidence",
        "lift",
        "llr",
        "generated",
    ]);
    for edge in &answer.edges {
        let evidence = edge.evidence.clone().unwrap_or_default();
        edges.add_row([
            relation_text(edge.relation()).to_owned(),
            edge.rank.to_string(),
            format!("{:.4}", edge.score),
            evidence.text,
            format!("{:.1}", evidence.lift),
            format!("{:.1}", evidence.llr),
            edge.generated.to_string(),
        ]);
    }
    println!("{edges}");
    for row in &answer.rows {
        println!(
            "{}: {} stored, cut at {:.4}; refused: support {}, significance {}, category {}, relation {}, price {}, rank {}",
            relation_text(row.relation()),
            row.length,
            row.cut_off,
            row.refused_support,
            row.refused_significance,
            row.refused_category,
            row.refused_relation,
            row.refused_price,
            row.refused_rank
        );
    }
    for link in &answer.link_ids {
        println!("link {link}");
    }
    println!("generation {}", answer.generation);
    Ok(())
}

fn in_set(set: &ExplainedSet) -> String {
    let (id, other, why) = (&set.bundle_id, &set.other_product_id, reason_text(set.reason()));
    match set.part() {
        Part::Unspecified | Part::Kept => format!("bundle {id}: a part"),
        Part::StandsIn => format!("bundle {id}: stands in for {other}, {why}"),
        Part::Replaced => format!("bundle {id}: replaced by {other}, {why}"),
        Part::LeftOut => format!("bundle {id}: left out, {why}"),
    }
}
