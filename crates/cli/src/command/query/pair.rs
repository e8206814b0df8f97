//! `tandem query pair`: the counters of a pair.

use anyhow::{Context, Result};
use tandem_proto::v1::operations_client::OperationsClient;
use tandem_proto::v1::pair_categories::Kinship;
use tandem_proto::v1::{ExplainPairRequest, PairCategories, RuleOwner};

use crate::args::Common;
use crate::client::explain;
use crate::command::build::wait;
use crate::output;

/// Asks for the counters, waits, and prints them.
pub(super) async fn run(common: &Common, product: String, companion: String) -> Result<()> {
    let mut client = OperationsClient::new(common.control().await?);
    let request = ExplainPairRequest {
        product_id: product,
        companion_product_id: companion,
        request_id: String::new(),
    };
    let asked = client.explain_pair(request).await.map_err(|s| explain(&s))?;
    let job = wait(&mut client, asked.into_inner(), "counting the pair").await?;
    if common.json {
        return output::print_message("Job", &job);
    }
    let report = job.pair.context("the job tells no counters: ask again")?;
    let mut counts = output::table(&[
        "signal",
        "both",
        "anchor",
        "companion",
        "all",
        "lift",
        "llr",
        "verdict",
    ]);
    for row in &report.counts {
        let evidence = row.evidence.clone().unwrap_or_default();
        counts.add_row([
            evidence.signal().as_str_name().to_owned(),
            evidence.support.to_string(),
            evidence.anchor_count.to_string(),
            evidence.companion_count.to_string(),
            evidence.total.to_string(),
            format!("{:.1}", evidence.lift),
            format!("{:.1}", evidence.llr),
            row.verdict().as_str_name().to_owned(),
        ]);
    }
    println!("{counts}");
    for place in &report.places {
        let relation = place.relation().as_str_name();
        match place.rank {
            0 => println!(
                "{relation}: not among {}, cut at {:.4}",
                place.length, place.cut_off
            ),
            rank => println!("{relation}: {rank} of {}, score {:.4}", place.length, place.score),
        }
    }
    if let Some(categories) = &report.categories {
        println!("{}", said(categories));
    }
    println!("generation {}", job.generation);
    Ok(())
}

/// What the categories are to each other, and who says so.
fn said(categories: &PairCategories) -> String {
    let PairCategories {
        anchor_category_id: anchor,
        companion_category_id: companion,
        ..
    } = categories;
    let is = match categories.kinship() {
        Kinship::Unspecified => "are not known to each other",
        Kinship::Same => "are one category: no complements",
        Kinship::Related => "go together",
        Kinship::Unrelated => "do not go together",
    };
    let mut text = format!("categories {anchor} > {companion} {is}");
    if categories.kinship() != Kinship::Same {
        text += &format!(" by {}", whose(categories.kinship_rule()));
    }
    if let Some(band) = categories.price_band {
        let (least, most) = (band.min_ratio, band.max_ratio);
        let whose = whose(categories.price_band_rule());
        text += &format!("; prices {least:.4}..{most:.4} by {whose}");
    }
    text
}

const fn whose(owner: RuleOwner) -> &'static str {
    match owner {
        RuleOwner::Unspecified => "orders",
        RuleOwner::Marketplace => "a rule of the marketplace",
        RuleOwner::Shop => "a rule of the shop",
    }
}
