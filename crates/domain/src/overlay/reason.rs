//! Why proposals are not shown.

/// Why a proposal is not in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// No unit can be bought.
    OutOfStock,
    /// No stock was ever reported.
    UnknownStock,
    /// Taken off sale.
    Delisted,
    /// Excluded by a merchant's link.
    ExcludedByMerchant,
    /// The request excludes it, or it is an anchor itself.
    ExcludedByRequest,
    /// Listed already in a better place.
    Duplicate,
    /// Ranked below the size of the answer.
    BelowLimit,
    /// Withheld because the view of stock is too old.
    StaleStock,
    /// Stands only in relations that the surface does not list.
    NotListed,
    /// Not of a category that the request asks for.
    FilteredCategory,
    /// Not of a brand that the request asks for.
    FilteredBrand,
    /// Not of a shop that the request asks for.
    FilteredShop,
    /// Not of a price that the request asks for.
    FilteredPrice,
    /// Of another shop than the surface allows.
    ShopScope,
    /// Outside the surface's price band around the anchor.
    PriceBand,
    /// The surface's quota of the relation is full.
    RelationQuota,
    /// The surface's cap on the brand is reached.
    BrandCap,
    /// The surface's cap on the leaf category is reached.
    CategoryCap,
    /// The surface's cap on the shop is reached.
    ShopCap,
    /// Runs low, and the surface leaves out what does.
    LowStock,
    /// The anchor runs low, and the surface serves nothing around one that does.
    AnchorLow,
}

impl DropReason {
    /// The name in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::UnknownStock => "unknown_stock",
            Self::Delisted => "delisted",
            Self::ExcludedByMerchant => "excluded_by_merchant",
            Self::ExcludedByRequest => "excluded_by_request",
            Self::Duplicate => "duplicate",
            Self::BelowLimit => "below_limit",
            Self::StaleStock => "stale_stock",
            Self::NotListed => "not_listed",
            Self::FilteredCategory => "filtered_category",
            Self::FilteredBrand => "filtered_brand",
            Self::FilteredShop => "filtered_shop",
            Self::FilteredPrice => "filtered_price",
            Self::ShopScope => "shop_scope",
            Self::PriceBand => "price_band",
            Self::RelationQuota => "relation_quota",
            Self::BrandCap => "brand_cap",
            Self::CategoryCap => "category_cap",
            Self::ShopCap => "shop_cap",
            Self::LowStock => "low_stock",
            Self::AnchorLow => "anchor_low",
        }
    }
}
