//! `tandem rules`: what operators and merchants say of two categories.

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use tandem_proto::v1::category_rules_client::CategoryRulesClient;
use tandem_proto::v1::{
    CategoryRule, CategoryVerdict, DeleteCategoryRuleRequest, GetCategoryRuleRequest,
    ListCategoryRulesRequest, PriceRatioBand, UpdateCategoryRuleRequest,
};

use crate::args::Common;
use crate::client::explain;
use crate::output;

/// What to do with category rules.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem rules list\n  tandem rules get phones cases\n  tandem rules set phones cases --related --price-ratio 0.01..0.2\n  tandem rules set cosmetics 'pet food' --forbidden --reason 'they never sell'\n  tandem rules delete phones cases"
)]
pub enum Rules {
    /// Those of the marketplace, then those of shops, by category of the anchor and of the companion.
    #[command(after_help = "Examples:\n  tandem rules list\n  tandem rules list --anchor phones --json")]
    List {
        /// For anchors of this category only.
        #[arg(long, value_name = "CATEGORY", default_value = "", hide_default_value = true)]
        anchor: String,
        /// How many.
        #[arg(long, default_value_t = 100)]
        size: i32,
        /// Go on where an earlier page ended.
        #[arg(long, default_value = "", hide_default_value = true)]
        page_token: String,
    },
    /// One of them: who said what of two categories, when and why.
    #[command(
        after_help = "Examples:\n  tandem rules get phones cases\n  tandem rules get phones cases --shop s1 --json"
    )]
    Get {
        /// Which rule.
        #[command(flatten)]
        pair: Pair,
    },
    /// Say what holds for two categories, in the place of what was said before. Full builds heed it, from the next one on.
    #[command(
        after_help = "Examples:\n  tandem rules set phones cases --related\n  tandem rules set phones cases --price-ratio 0.01..0.2 --shop s1\n  tandem rules set cosmetics 'pet food' --forbidden --reason 'they never sell'"
    )]
    Set(Set),
    /// Say no more: orders, or the marketplace's rule, decide again from the next full build on.
    #[command(after_help = "Examples:\n  tandem rules delete phones cases --reason 'they sell after all'")]
    Delete {
        /// Which rule.
        #[command(flatten)]
        pair: Pair,
        /// Why and under which version.
        #[command(flatten)]
        guard: Guard,
    },
}

/// What a rule says.
#[derive(Debug, Args)]
pub struct Set {
    /// Which rule.
    #[command(flatten)]
    pair: Pair,
    /// Companions complement anchors, whatever orders say.
    #[arg(long, conflicts_with = "forbidden")]
    related: bool,
    /// They never do.
    #[arg(long, conflicts_with = "price_ratio")]
    forbidden: bool,
    /// The companion's price as a multiple of the anchor's, between which prices go together.
    #[arg(long, value_name = "LEAST..MOST", value_parser = band)]
    price_ratio: Option<PriceRatioBand>,
    /// Why and under which version.
    #[command(flatten)]
    guard: Guard,
}

/// Which rule.
#[derive(Debug, Args)]
pub struct Pair {
    /// Category of the anchor, as products name it.
    anchor: String,
    /// Category of the companion.
    companion: String,
    /// For anchors of this shop, the token's own; without it, for those of every shop, which takes ops.admin.
    #[arg(long, default_value = "", hide_default_value = true)]
    shop: String,
}

/// Why, and under which version.
#[derive(Debug, Args)]
pub struct Guard {
    /// Why, for the audit trail.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// The version that it must have; 0 where there must be none.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

/// Asks control and prints the answer.
///
/// # Errors
/// When nothing answers, or the answer is an error.
pub async fn run(common: &Common, rules: Rules) -> Result<()> {
    let mut client = CategoryRulesClient::new(common.control().await?);
    match rules {
        Rules::List {
            anchor,
            size,
            page_token,
        } => {
            let request = ListCategoryRulesRequest {
                anchor_category_id: anchor,
                page_size: size,
                page_token,
            };
            let answer = client
                .list_category_rules(request)
                .await
                .map_err(|s| explain(&s))?;
            let answer = answer.into_inner();
            if common.json {
                return output::print_message("ListCategoryRulesResponse", &answer);
            }
            table(&answer.category_rules);
            output::more(&answer.next_page_token);
        }
        Rules::Get { pair } => {
            let request = GetCategoryRuleRequest {
                shop_id: pair.shop,
                anchor_category_id: pair.anchor,
                companion_category_id: pair.companion,
            };
            let answer = client.get_category_rule(request).await.map_err(|s| explain(&s))?;
            let rule = answer.into_inner();
            if common.json {
                return output::print_message("CategoryRule", &rule);
            }
            whole(&rule);
        }
        Rules::Set(set) => {
            let request = UpdateCategoryRuleRequest {
                category_rule: Some(set.rule()),
                allow_missing: true,
                request_id: String::new(),
            };
            let answer = client
                .update_category_rule(request)
                .await
                .map_err(|s| explain(&s))?;
            let rule = answer.into_inner();
            if common.json {
                return output::print_message("CategoryRule", &rule);
            }
            table(std::slice::from_ref(&rule));
            if !rule.in_force {
                println!("heeded from the next full build on: tandem build");
            }
        }
        Rules::Delete { pair, guard } => {
            let request = DeleteCategoryRuleRequest {
                shop_id: pair.shop,
                anchor_category_id: pair.anchor,
                companion_category_id: pair.companion,
                etag: guard.etag,
                reason: guard.reason,
                request_id: String::new(),
            };
            let answer = client
                .delete_category_rule(request)
                .await
                .map_err(|s| explain(&s))?;
            let answer = answer.into_inner();
            if common.json {
                return output::print_message("DeleteCategoryRuleResponse", &answer);
            }
            println!(
                "{}",
                if answer.deleted {
                    "deleted; heeded until the next full build: tandem build"
                } else {
                    "there was none"
                }
            );
        }
    }
    Ok(())
}

impl Set {
    fn rule(self) -> CategoryRule {
        let verdict = match (self.related, self.forbidden) {
            (true, _) => CategoryVerdict::Related,
            (_, true) => CategoryVerdict::Forbidden,
            _ => CategoryVerdict::Unspecified,
        };
        CategoryRule {
            shop_id: self.pair.shop,
            anchor_category_id: self.pair.anchor,
            companion_category_id: self.pair.companion,
            verdict: verdict.into(),
            price_band: self.price_ratio,
            reason: self.guard.reason,
            etag: self.guard.etag,
            ..CategoryRule::default()
        }
    }
}

fn band(text: &str) -> Result<PriceRatioBand> {
    let ends = text.split_once("..");
    let (least, most) = ends.context("write LEAST..MOST, such as 0.01..0.2")?;
    Ok(PriceRatioBand {
        min_ratio: least.parse()?,
        max_ratio: most.parse()?,
    })
}

fn table(rules: &[CategoryRule]) {
    let mut table = output::table(&[
        "anchor",
        "companion",
        "shop",
        "says",
        "price ratio",
        "version",
        "in force",
        "who",
        "why",
    ]);
    for rule in rules {
        table.add_row([
            rule.anchor_category_id.clone(),
            rule.companion_category_id.clone(),
            rule.shop_id.clone(),
            says(rule),
            price_ratio(rule),
            rule.etag.clone(),
            in_force(rule).to_owned(),
            rule.author.clone(),
            rule.reason.clone(),
        ]);
    }
    println!("{table}");
}

/// Prints a rule with all its fields, one a line.
fn whole(rule: &CategoryRule) {
    let time = |time: Option<prost_types::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    output::fields(&[
        ("anchor", rule.anchor_category_id.clone()),
        ("companion", rule.companion_category_id.clone()),
        ("shop", rule.shop_id.clone()),
        ("says", says(rule)),
        ("price ratio", price_ratio(rule)),
        ("version", rule.etag.clone()),
        ("in force", in_force(rule).to_owned()),
        ("made", time(rule.create_time)),
        ("changed", time(rule.update_time)),
        ("who", rule.author.clone()),
        ("why", rule.reason.clone()),
    ]);
}

fn says(rule: &CategoryRule) -> String {
    match rule.verdict() {
        CategoryVerdict::Unspecified => String::new(),
        verdict => output::words(verdict.as_str_name(), "CATEGORY_VERDICT_"),
    }
}

fn price_ratio(rule: &CategoryRule) -> String {
    let band = rule.price_band;
    band.map(|band| format!("{}..{}", band.min_ratio, band.max_ratio))
        .unwrap_or_default()
}

const fn in_force(rule: &CategoryRule) -> &'static str {
    if rule.in_force { "yes" } else { "next full build" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_has_two_ends() {
        let read = band("0.01..2").expect("a band");
        assert_eq!((read.min_ratio, read.max_ratio), (0.01, 2.0));
        for wrong in ["0.5", "..2", "1..", "a..b"] {
            assert!(band(wrong).is_err(), "{wrong}");
        }
    }
}
