//! `tandem query`: what a running gateway answers.

mod bundles;
mod explanation;
mod lists;
mod pair;
mod stock;
mod taste;
mod text;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use tandem_proto::v1::{
    ListBasketCompanionsRequest, ListBundleSetsRequest, ListRelatedProductsRequest, Relation, View,
};

pub use explanation::{Explain, run as explain};
pub use taste::Taste;
pub use text::{bundle_text, money_text, print_items, relation_text, supply_text, why};

use crate::args::Common;

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
    Explain(Explain),
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
            lists::related(common, request).await
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
            lists::basket(common, request).await
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
            bundles::run(common, request).await
        }
        Query::Explain(explain) => explanation::run(common, explain).await,
        Query::Pair { product, companion } => pair::run(common, product, companion).await,
        Query::Stock { skus } => stock::run(common, skus).await,
    }
}
