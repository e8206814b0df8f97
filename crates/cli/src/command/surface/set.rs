//! What `tandem surface set` changes.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use tandem_proto::v1::{
    Experiment, RelationQuota, ShopScope, Source, Surface, UpdateSurfaceRequest, WhenStale,
};

use super::{Guard, StockFlags};
use crate::command::query::RelationName;

/// What to change. What is not named stays as it is.
#[derive(Debug, Args)]
pub struct Set {
    /// Its id.
    id: String,
    /// Make it if there is none such.
    #[arg(long)]
    create: bool,
    /// Relations, best first, each with at most so many items if that is said.
    #[arg(long, value_name = "RELATION[=ITEMS]", value_parser = quota)]
    relation: Vec<(RelationName, Option<u32>)>,
    /// Items per list when a request names no size.
    #[arg(long)]
    size: Option<u32>,
    /// Lowest and highest price that suits, in percent of the anchor's; `..` for any.
    #[arg(long, value_name = "LOW..HIGH", value_parser = band)]
    price_percent: Option<(u32, u32)>,
    /// At most so many items of one brand.
    #[arg(long)]
    max_per_brand: Option<u32>,
    /// As many items of one brand as there are.
    #[arg(long, conflicts_with = "max_per_brand")]
    no_max_per_brand: bool,
    /// At most so many items of one leaf category.
    #[arg(long)]
    max_per_category: Option<u32>,
    /// As many items of one leaf category as there are.
    #[arg(long, conflicts_with = "max_per_category")]
    no_max_per_category: bool,
    /// At most so many items of one shop.
    #[arg(long)]
    max_per_shop: Option<u32>,
    /// As many items of one shop as there are.
    #[arg(long, conflicts_with = "max_per_shop")]
    no_max_per_shop: bool,
    /// Whose products.
    #[arg(long, value_enum)]
    shop_scope: Option<Scope>,
    /// The steps that fill a list, in their order.
    #[arg(long, value_enum, value_delimiter = ',')]
    fallback: Vec<Step>,
    /// Whether products without any reported stock may be shown.
    #[arg(long, action = clap::ArgAction::Set, value_name = "BOOL")]
    show_unknown_stock: Option<bool>,
    /// How old the view of stock may be, in milliseconds.
    #[arg(long, value_name = "MS")]
    max_stock_age_ms: Option<u64>,
    /// What happens to lists past that age.
    #[arg(long, value_enum)]
    stale_lists: Option<Stale>,
    /// What happens to bundles past that age.
    #[arg(long, value_enum)]
    stale_bundles: Option<Stale>,
    /// The arm of an experiment that it belongs to.
    #[arg(long, value_name = "EXPERIMENT=ARM", value_parser = arm)]
    experiment: Option<(String, String)>,
    /// It belongs to no experiment.
    #[arg(long, conflicts_with = "experiment")]
    no_experiment: bool,
    /// Whether scores are multiplied by what shoppers made of companions that they were shown.
    #[arg(long, action = clap::ArgAction::Set, value_name = "BOOL")]
    rank_by_feedback: Option<bool>,
    /// The place at which companions are tried that have not earned it.
    #[arg(long, value_name = "PLACE")]
    explore_at: Option<u32>,
    /// Nothing is tried.
    #[arg(long, conflicts_with = "explore_at")]
    no_explore: bool,
    /// What is attached to bestsellers.
    #[command(flatten)]
    attach: AttachFlags,
    /// What may be sold, and what happens when stock runs low.
    #[command(flatten)]
    stock: StockFlags,
    /// Why and under which version.
    #[command(flatten)]
    guard: Guard,
}

/// Companions that are lent places of a bestseller's list.
#[derive(Debug, Args)]
struct AttachFlags {
    /// At most so many percent of a bestseller's list are lent to companions that have not earned their place; 0 for none.
    #[arg(long, value_name = "PERCENT")]
    attach_share: Option<u32>,
    /// Only those whose edge has at least so many percent of the best score in its relation.
    #[arg(long, value_name = "PERCENT")]
    attach_min_score: Option<u32>,
    /// Those of which fewer units were bought in 30 days; 0 for none.
    #[arg(long, value_name = "UNITS")]
    attach_slow_below: Option<u32>,
    /// Those known for fewer days; 0 for none.
    #[arg(long, value_name = "DAYS")]
    attach_new_days: Option<u32>,
    /// Those with a tag of the kind clearance.
    #[arg(long, action = clap::ArgAction::Set, value_name = "BOOL")]
    attach_clearance: Option<bool>,
}

/// Whose products a list may hold.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Scope {
    /// Those of every shop.
    Marketplace,
    /// Those of the anchor's shop.
    SameShop,
}

/// A step that fills a list.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Step {
    /// Merchants' links.
    Manual,
    /// What behaviour taught.
    Learned,
    /// Attributes and category statistics.
    Attribute,
    /// Bestsellers.
    Bestseller,
}

/// What happens to an answer whose view of stock is too old.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Stale {
    /// Answered, and marked.
    Mark,
    /// Withheld.
    Suppress,
}

fn quota(text: &str) -> Result<(RelationName, Option<u32>)> {
    let (name, items) = match text.split_once('=') {
        Some((name, items)) => (name, Some(items.parse()?)),
        None => (text, None),
    };
    match RelationName::from_str(name, false) {
        Ok(name) => Ok((name, items)),
        Err(_) => bail!(
            "{name} is no relation: use together, also_viewed, complement, substitute, upsell or series"
        ),
    }
}

fn band(text: &str) -> Result<(u32, u32)> {
    let Some((low, high)) = text.split_once("..") else {
        bail!("write LOW..HIGH, such as 50..180, ..180 or ..");
    };
    let end = |end: &str| if end.is_empty() { Ok(0) } else { end.parse() };
    Ok((end(low)?, end(high)?))
}

fn arm(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((experiment, arm)) => Ok((experiment.to_owned(), arm.to_owned())),
        None => bail!("write EXPERIMENT=ARM"),
    }
}

impl Set {
    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether some stock rules are named: they are changed as a whole, so that the others must be known.
    pub(super) fn names_stock_rules(&self) -> bool {
        !self.stock.is_empty()
    }

    /// The fields that are named, and their names. Stock rules that are not named are those of `standing`, and the
    /// surface must then still be the same.
    pub(super) fn request(self, standing: Option<Surface>) -> UpdateSurfaceRequest {
        let mut edit = Edit::of(self.id, self.guard.etag);
        if !self.stock.is_empty() {
            if let Some(standing) = &standing
                && edit.surface.etag.is_empty()
            {
                edit.surface.etag.clone_from(&standing.etag);
            }
            edit.surface.stock = Some(self.stock.over(standing.and_then(|surface| surface.stock)));
            edit.names(&["stock"]);
        }
        if !self.relation.is_empty() {
            let quotas = self.relation.iter().filter_map(|(name, max_items)| {
                Some(RelationQuota {
                    relation: name.number(),
                    max_items: (*max_items)?,
                })
            });
            edit.surface.quotas = quotas.collect();
            edit.surface.relations = self.relation.iter().map(|(name, _)| name.number()).collect();
            edit.names(&["relations", "quotas"]);
        }
        edit.set("default_size", self.size, |surface, size| {
            surface.default_size = size
        });
        if let Some((low, high)) = self.price_percent {
            (edit.surface.min_price_percent, edit.surface.max_price_percent) = (low, high);
            edit.names(&["min_price_percent", "max_price_percent"]);
        }
        let capped = |cap: Option<u32>, open: bool| cap.or(open.then_some(0));
        let cap = capped(self.max_per_brand, self.no_max_per_brand);
        edit.set("max_per_brand", cap, |surface, cap| surface.max_per_brand = cap);
        let cap = capped(self.max_per_category, self.no_max_per_category);
        edit.set("max_per_category", cap, |surface, cap| {
            surface.max_per_category = cap
        });
        let cap = capped(self.max_per_shop, self.no_max_per_shop);
        edit.set("max_per_shop", cap, |surface, cap| surface.max_per_shop = cap);
        edit.set("shop_scope", self.shop_scope, |surface, scope| {
            surface.shop_scope = scope.number();
        });
        if !self.fallback.is_empty() {
            edit.surface.fallback = self.fallback.iter().map(|step| step.number()).collect();
            edit.names(&["fallback"]);
        }
        edit.set("show_unknown_stock", self.show_unknown_stock, |surface, show| {
            surface.show_unknown_stock = show;
        });
        edit.set("max_stock_age_ms", self.max_stock_age_ms, |surface, age| {
            surface.max_stock_age_ms = age;
        });
        edit.set("stale_lists", self.stale_lists, |surface, stale| {
            surface.stale_lists = stale.number()
        });
        edit.set("stale_bundles", self.stale_bundles, |surface, stale| {
            surface.stale_bundles = stale.number();
        });
        if self.experiment.is_some() || self.no_experiment {
            let experiment = self
                .experiment
                .map(|(experiment_id, arm)| Experiment { experiment_id, arm });
            edit.surface.experiment = experiment;
            edit.names(&["experiment"]);
        }
        edit.set("rank_by_feedback", self.rank_by_feedback, |surface, heeds| {
            surface.rank_by_feedback = heeds;
        });
        let place = capped(self.explore_at, self.no_explore);
        edit.set("exploration_position", place, |surface, place| {
            surface.exploration_position = place;
        });
        let attach = self.attach;
        edit.set("attach_share_percent", attach.attach_share, |surface, percent| {
            surface.attach_share_percent = percent;
        });
        edit.set(
            "attach_min_score_percent",
            attach.attach_min_score,
            |surface, percent| {
                surface.attach_min_score_percent = percent;
            },
        );
        edit.set("attach_slow_below", attach.attach_slow_below, |surface, units| {
            surface.attach_slow_below = units;
        });
        edit.set("attach_new_days", attach.attach_new_days, |surface, days| {
            surface.attach_new_days = days;
        });
        edit.set(
            "attach_clearance",
            attach.attach_clearance,
            |surface, attaches| {
                surface.attach_clearance = attaches;
            },
        );
        UpdateSurfaceRequest {
            surface: Some(edit.surface),
            update_mask: Some(prost_types::FieldMask { paths: edit.paths }),
            allow_missing: self.create,
            reason: self.guard.reason,
            request_id: String::new(),
        }
    }
}

/// A surface with the names of the fields that count.
struct Edit {
    surface: Surface,
    paths: Vec<String>,
}

impl Edit {
    fn of(surface_id: String, etag: String) -> Self {
        Self {
            surface: Surface {
                surface_id,
                etag,
                ..Surface::default()
            },
            paths: Vec::new(),
        }
    }

    fn names(&mut self, names: &[&str]) {
        self.paths.extend(names.iter().map(ToString::to_string));
    }

    fn set<T>(&mut self, name: &str, value: Option<T>, put: impl FnOnce(&mut Surface, T)) {
        if let Some(value) = value {
            put(&mut self.surface, value);
            self.names(&[name]);
        }
    }
}

impl Scope {
    fn number(self) -> i32 {
        let scope = match self {
            Self::Marketplace => ShopScope::Marketplace,
            Self::SameShop => ShopScope::SameShop,
        };
        scope.into()
    }
}

impl Step {
    fn number(self) -> i32 {
        let source = match self {
            Self::Manual => Source::Manual,
            Self::Learned => Source::Learned,
            Self::Attribute => Source::Attribute,
            Self::Bestseller => Source::Bestseller,
        };
        source.into()
    }
}

impl Stale {
    fn number(self) -> i32 {
        let when = match self {
            Self::Mark => WhenStale::Mark,
            Self::Suppress => WhenStale::Suppress,
        };
        when.into()
    }
}
