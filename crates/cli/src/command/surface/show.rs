//! Surfaces and their history for people.

use anyhow::Result;
use tandem_proto::v1::{Relation, Source, Surface, SurfaceRevision};

use super::stock;
use crate::args::Common;
use crate::output;

pub(super) fn table(surfaces: &[Surface]) {
    let mut table = output::table(&["surface", "version", "relations", "size", "limits", "chain"]);
    for surface in surfaces {
        table.add_row([
            surface.surface_id.clone(),
            surface.etag.clone(),
            relations(surface),
            surface.default_size.to_string(),
            limits(surface),
            chain(surface),
        ]);
    }
    println!("{table}");
}

pub(super) fn history(revisions: &[SurfaceRevision]) {
    let mut table = output::table(&["version", "when", "who", "what", "why"]);
    for revision in revisions {
        let when = revision.create_time.map(|time| time.to_string());
        table.add_row([
            revision.version.to_string(),
            when.unwrap_or_default(),
            revision.author.clone(),
            word(revision.action().as_str_name(), "ACTION_"),
            revision.reason.clone(),
        ]);
    }
    println!("{table}");
}

/// Prints a surface with all its fields, one a line.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn whole(common: &Common, surface: &Surface) -> Result<()> {
    if common.json {
        return output::print_message("Surface", surface);
    }
    let experiment = surface.experiment.as_ref();
    let experiment = experiment.map(|arm| format!("{}={}", arm.experiment_id, arm.arm));
    let lines = [
        ("surface", surface.surface_id.clone()),
        ("version", surface.etag.clone()),
        ("relations", relations(surface)),
        ("size", surface.default_size.to_string()),
        ("limits", limits(surface)),
        ("shops", word(surface.shop_scope().as_str_name(), "SHOP_SCOPE_")),
        ("chain", chain(surface)),
        (
            "unknown stock",
            if surface.show_unknown_stock {
                "shown"
            } else {
                "hidden"
            }
            .to_owned(),
        ),
        ("stock age", format!("{} ms", surface.max_stock_age_ms)),
        (
            "stale lists",
            word(surface.stale_lists().as_str_name(), "WHEN_STALE_"),
        ),
        (
            "stale bundles",
            word(surface.stale_bundles().as_str_name(), "WHEN_STALE_"),
        ),
        ("experiment", experiment.unwrap_or_default()),
        ("feedback", feedback(surface)),
        ("attaches", attaches(surface)),
    ];
    let lines = [
        &lines[..],
        &stock::lines(&surface.stock.clone().unwrap_or_default()),
    ]
    .concat();
    output::fields(&lines);
    Ok(())
}

/// What it makes of feedback; empty for nothing.
fn feedback(surface: &Surface) -> String {
    let ranks = surface.rank_by_feedback.then(|| "ranks".to_owned());
    let tries = match surface.exploration_position {
        0 => None,
        place => Some(format!("tries at place {place}")),
    };
    ranks.into_iter().chain(tries).collect::<Vec<_>>().join(", ")
}

/// What it attaches to bestsellers; empty for nothing.
fn attaches(surface: &Surface) -> String {
    let kinds = [
        (surface.attach_slow_below > 0).then(|| format!("fewer than {} sold", surface.attach_slow_below)),
        (surface.attach_new_days > 0).then(|| format!("newer than {} days", surface.attach_new_days)),
        surface.attach_clearance.then(|| "clearance".to_owned()),
    ];
    let kinds: Vec<_> = kinds.into_iter().flatten().collect();
    if kinds.is_empty() || surface.attach_share_percent == 0 {
        return String::new();
    }
    format!(
        "{} in up to {} % of a list, from {} % of the best score",
        kinds.join(" or "),
        surface.attach_share_percent,
        surface.attach_min_score_percent
    )
}

fn relations(surface: &Surface) -> String {
    let one = |number: &i32| {
        let quota = surface.quotas.iter().find(|quota| quota.relation == *number);
        let name = Relation::try_from(*number).unwrap_or_default();
        let name = word(name.as_str_name(), "RELATION_");
        quota.map_or(name.clone(), |quota| format!("{name}={}", quota.max_items))
    };
    surface.relations.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn chain(surface: &Surface) -> String {
    let steps = surface
        .fallback()
        .map(|step: Source| word(step.as_str_name(), "SOURCE_"));
    steps.collect::<Vec<_>>().join(" > ")
}

fn limits(surface: &Surface) -> String {
    let mut limits = Vec::new();
    let end = |percent: u32| {
        if percent == 0 {
            String::new()
        } else {
            percent.to_string()
        }
    };
    if surface.min_price_percent + surface.max_price_percent > 0 {
        let (low, high) = (end(surface.min_price_percent), end(surface.max_price_percent));
        limits.push(format!("price {low}..{high} %"));
    }
    let caps = [
        ("brand", surface.max_per_brand),
        ("category", surface.max_per_category),
        ("shop", surface.max_per_shop),
    ];
    let caps = caps.iter().filter(|(_, cap)| *cap > 0);
    limits.extend(caps.map(|(kind, cap)| format!("{cap} per {kind}")));
    limits.join(", ")
}

/// The end of a long name, in small letters, as the options spell it.
pub(super) fn word(name: &str, prefix: &str) -> String {
    output::words(name, prefix).replace(' ', "_")
}
