//! `tandem query`: what a running gateway answers.

mod pair;
mod taste;
mod text;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use tandem_proto::v1::bundles_client::BundlesClient;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::stock_client::StockClient;
use tandem_proto::v1::{
    BatchGetStockRequest, ExplainRelatedProductRequest, ListBasketCompanionsRequest, ListBundleSetsRequest,
    ListRelatedProductsRequest, Relation, View,
};

pub use taste::Taste;
pub use text::{bundle_text, money_text, print_items, relation_text, supply_text, why};
use text::{print_freshness, reason_text};

use crate::args::Common;
use crate::client::explain;
use crate::output;

/// Questions.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem query related 85123A --relation complement --size 5\n  tandem query basket 85123A 22423\n  tandem query bundles 22423 --json\n  tandem query explain 22423 22720\n  tandem query pair 22423 22720"
)]
pub enum Query {
    /// The companions of one product.
    #[command(
        after_help = "Examples:\n  tandem query related 85123A\n  tandem query related 85123A --relation complement --size 5 --debug\n  tandem query related 85123A --category lighting --max-price 1500 --in-stock --recent 22423"
    )]
    Related {
        /// The anchor.
        product: String,
        /// Relations to list; those of the surface without any.
        #[arg(long, value_enum)]
        relation: Vec<RelationName>,
        /// What every list has.
        #[command(flatten)]
        list: ListOptions,
        /// What companions must be like, and for whom.
        #[command(flatten)]
        taste: Box<Taste>,
        /// Show dropped candidates with their reasons.
        #[arg(long)]
        debug: bool,
    },
    /// Companions of a whole basket.
    #[command(
        after_help = "Examples:\n  tandem query basket 85123A 22423\n  tandem query basket 85123A 22423 --exclude 22720 --json"
    )]
    Basket {
        /// What is in the basket, the most recent last.
        #[arg(required = true)]
        products: Vec<String>,
        /// Relations to list; those of the surface without any.
        #[arg(long, value_enum)]
        relation: Vec<RelationName>,
        /// What every list has.
        #[command(flatten)]
        list: ListOptions,
        /// What companions must be like, and for whom.
        #[command(flatten)]
        taste: Box<Taste>,
    },
    /// Sets around one product.
    #[command(
        after_help = "Examples:\n  tandem query bundles 22423\n  tandem query bundles 22423 --size 1 --json"
    )]
    Bundles {
        /// The anchor.
        product: String,
        /// What every list has.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Why a companion is or is not shown.
    #[command(
        after_help = "Examples:\n  tandem query explain 22423 22720\n  tandem query explain 22423 22720 --surface cart"
    )]
    Explain {
        /// The anchor.
        product: String,
        /// The companion.
        companion: String,
        /// Serving configuration; empty for the default.
        #[arg(long, default_value = "")]
        surface: String,
    },
    /// Count a pair anew: what every signal says of it and where it stands in the lists. Asks control, and waits.
    #[command(
        after_help = "Examples:\n  tandem query pair 22423 22720\n  tandem query pair 22423 22720 --json"
    )]
    Pair {
        /// The anchor.
        product: String,
        /// The companion.
        companion: String,
    },
    /// Stock of SKUs in all their pools, from control.
    #[command(after_help = "Examples:\n  tandem query stock 22423-1 22720-1")]
    Stock {
        /// The SKUs.
        #[arg(required = true)]
        skus: Vec<String>,
    },
}

/// What every list has.
#[derive(Debug, Args)]
pub struct ListOptions {
    /// Items; 0 for the surface's default.
    #[arg(long, default_value_t = 0)]
    size: i32,
    /// Serving configuration, such as `cart`; empty for the default.
    #[arg(long, default_value = "")]
    surface: String,
    /// Products not to show.
    #[arg(long)]
    exclude: Vec<String>,
    /// Pool to sell from besides the normal one, such as `room:42`.
    #[arg(long, default_value = "")]
    pool: String,
}

/// A relation on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum RelationName {
    /// Frequently bought together.
    Together,
    /// Viewed in the same sessions.
    AlsoViewed,
    /// Another category, bought along.
    Complement,
    /// The same need met by another product.
    Substitute,
    /// The same category, better and dearer.
    Upsell,
    /// The same series, else the same brand.
    Series,
}

impl RelationName {
    pub(super) fn number(self) -> i32 {
        let relation = match self {
            Self::Together => Relation::Together,
            Self::AlsoViewed => Relation::AlsoViewed,
            Self::Complement => Relation::Complement,
            Self::Substitute => Relation::Substitute,
            Self::Upsell => Relation::Upsell,
            Self::Series => Relation::Series,
        };
        relation.into()
    }
}

/// Asks and prints the answer.
///
/// # Errors
/// When nothing answers, or the answer is an error.
pub async fn run(common: &Common, query: Query) -> Result<()> {
    match query {
        Query::Related {
            product,
            relation,
            list,
            taste,
            debug,
        } => {
            let (filter, shopper) = taste.parts();
            let request = ListRelatedProductsRequest {
                product_id: product,
                relations: relation.into_iter().map(RelationName::number).collect(),
                page_size: list.size,
                surface_id: list.surface,
                exclude_product_ids: list.exclude,
                view: View::Full.into(),
                debug,
                filter,
                shopper,
                pool: list.pool,
                ..Default::default()
            };
            related(common, request).await
        }
        Query::Basket {
            products,
            relation,
            list,
            taste,
        } => {
            let (filter, shopper) = taste.parts();
            let request = ListBasketCompanionsRequest {
                product_ids: products,
                relations: relation.into_iter().map(RelationName::number).collect(),
                page_size: list.size,
                surface_id: list.surface,
                exclude_product_ids: list.exclude,
                view: View::Full.into(),
                filter,
                shopper,
                pool: list.pool,
                ..Default::default()
            };
            basket(common, request).await
        }
        Query::Bundles { product, list } => {
            let request = ListBundleSetsRequest {
                product_id: product,
                page_size: list.size,
                surface_id: list.surface,
                exclude_product_ids: list.exclude,
                view: View::Full.into(),
                pool: list.pool,
                ..Default::default()
            };
            bundles(common, request).await
        }
        Query::Explain {
            product,
            companion,
            surface,
        } => {
            let request = ExplainRelatedProductRequest {
                product_id: product,
                companion_product_id: companion,
                surface_id: surface,
                ..Default::default()
            };
            explanation(common, request).await
        }
        Query::Pair { product, companion } => pair::run(common, product, companion).await,
        Query::Stock { skus } => stock(common, skus).await,
    }
}

async fn related(common: &Common, request: ListRelatedProductsRequest) -> Result<()> {
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

async fn basket(common: &Common, request: ListBasketCompanionsRequest) -> Result<()> {
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

async fn bundles(common: &Common, request: ListBundleSetsRequest) -> Result<()> {
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

async fn explanation(common: &Common, request: ExplainRelatedProductRequest) -> Result<()> {
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

async fn stock(common: &Common, skus: Vec<String>) -> Result<()> {
    let mut client = StockClient::new(common.control().await?);
    let answer = client
        .batch_get_stock(BatchGetStockRequest { sku_ids: skus })
        .await
        .map_err(|s| explain(&s))?
        .into_inner();
    if common.json {
        return output::print_message("BatchGetStockResponse", &answer);
    }
    let mut table = output::table(&["sku", "pool", "available", "version"]);
    for level in &answer.levels {
        table.add_row([
            level.sku_id.clone(),
            level.pool.clone(),
            level.available.to_string(),
            level.store_version.to_string(),
        ]);
    }
    println!("{table}");
    for missing in &answer.missing_sku_ids {
        println!("nobody reported {missing}");
    }
    Ok(())
}
