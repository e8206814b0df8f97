//! What companions must be like, and for whom.

use clap::Args;
use tandem_proto::v1::{Money, ProductFilter, Shopper};

/// What companions must be like, and for whom.
#[derive(Debug, Args)]
pub struct Taste {
    /// Only of these categories, or below.
    #[arg(long)]
    category: Vec<String>,
    /// Only of these brands.
    #[arg(long)]
    brand: Vec<String>,
    /// Only of these shops.
    #[arg(long)]
    shop: Vec<String>,
    /// Only from this price on, in minor units.
    #[arg(long, value_name = "MINOR")]
    min_price: Option<i64>,
    /// Only up to this price, in minor units.
    #[arg(long, value_name = "MINOR")]
    max_price: Option<i64>,
    /// Only what is known to be in stock.
    #[arg(long)]
    in_stock: bool,
    /// Products that the shopper looked at, the most recent last.
    #[arg(long, value_name = "PRODUCT")]
    recent: Vec<String>,
    /// Products that the shopper bought lately.
    #[arg(long, value_name = "PRODUCT")]
    bought: Vec<String>,
    /// Who the shopper is, where the surface tries companions on shoppers.
    #[arg(long, default_value_t, value_name = "ID", hide_default_value = true)]
    shopper: String,
}

impl Taste {
    /// As requests have it; what asks nothing is the same as nothing.
    pub(super) fn parts(self) -> (Option<ProductFilter>, Option<Shopper>) {
        let money = |amount_minor| Money {
            currency_code: String::new(),
            amount_minor,
        };
        let filter = ProductFilter {
            category_ids: self.category,
            brands: self.brand,
            shop_ids: self.shop,
            min_price: self.min_price.map(money),
            max_price: self.max_price.map(money),
            in_stock_only: self.in_stock,
        };
        let shopper = Shopper {
            recent_product_ids: self.recent,
            bought_product_ids: self.bought,
            segment: None,
            shopper_id: self.shopper,
        };
        (Some(filter), Some(shopper))
    }
}
