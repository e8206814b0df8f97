//! The range that each number is meant for.

use tandem_domain::relation::Relation;

use super::{BasketWeight, Params};
use crate::signals::{PriceFit, Recipe};

/// A parameter that no formula can work with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{name} must be a finite number between {least} and {most}, not {value}")]
pub struct InvalidParam {
    /// Path of the parameter.
    pub name: &'static str,
    /// What it was.
    pub value: f64,
    /// The smallest value accepted.
    pub least: f64,
    /// The largest value accepted.
    pub most: f64,
}

/// A parameter's path and value, the least and the most that it may be.
type Range = (&'static str, f64, f64, f64);

impl Params {
    /// Whether every number is in the range that its formula is meant for, no table that it sizes is larger than memory can
    /// hold, and no relation is made by two recipes.
    ///
    /// # Errors
    /// [`InvalidParam`] names the first one that is not.
    pub fn check(&self) -> Result<(), InvalidParam> {
        let recipes = self.recipes.iter().flat_map(recipe);
        let mut ranges = self
            .together()
            .into_iter()
            .chain(self.views())
            .chain(self.windows())
            .chain(self.guards())
            .chain(self.lists())
            .chain(self.sets())
            .chain(self.answers())
            .chain(self.relations())
            .chain(recipes);
        match ranges.find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((name, value, least, most)) => Err(InvalidParam {
                name,
                value,
                least,
                most,
            }),
            None => Ok(()),
        }
    }

    fn together(&self) -> Vec<Range> {
        let together = &self.together;
        let mut ranges = vec![
            ("together.weight", gamma(together.weight), 0.0, 4.0),
            ("together.lambda", together.lambda, 1e-3, 1e6),
            ("together.alpha", together.alpha, 0.0, 4.0),
            ("together.beta", together.beta, 0.0, 4.0),
            ("together.power", together.power, 0.1, 10.0),
            ("together.single_lambda", together.single_lambda, 1e-3, 1e6),
            ("together.single_beta", together.single_beta, 0.0, 4.0),
            ("together.single_mu", together.single_mu, 0.0, 1e6),
            ("together.trend", together.trend, 0.0, 4.0),
            (
                "together.trend_half_life_days",
                together.trend_half_life_days.into(),
                1.0,
                3650.0,
            ),
        ];
        let single = together.single_weight.map(gamma);
        ranges.extend(single.map(|gamma| ("together.single_weight", gamma, 0.0, 4.0)));
        if let Some(ridge) = &together.ridge {
            ranges.extend([
                ("together.ridge.penalty", ridge.penalty, 1e-3, 1e6),
                ("together.ridge.anchors", whole(ridge.anchors), 1.0, 1000.0),
                (
                    "together.ridge.least_baskets",
                    ridge.least_baskets.into(),
                    0.0,
                    1e6,
                ),
                ("together.ridge.most_targets", whole(ridge.most_targets), 0.0, 1e6),
            ]);
        }
        ranges
    }

    fn views(&self) -> Vec<Range> {
        let (viewed, swing) = (&self.viewed, &self.swing);
        vec![
            ("viewed.gamma", viewed.gamma, 0.0, 4.0),
            ("viewed.reverse", viewed.reverse, 0.0, 1.0),
            ("viewed.window", whole(viewed.window), 1.0, 1000.0),
            ("viewed.lambda", viewed.lambda, 1e-3, 1e6),
            ("viewed.alpha", viewed.alpha, 0.0, 4.0),
            ("viewed.beta", viewed.beta, 0.0, 4.0),
            ("viewed.two_hop", viewed.two_hop, 0.0, 100.0),
            ("swing.alpha", swing.alpha, 1e-3, 1e6),
            ("swing.sessions", whole(swing.sessions), 0.0, 4096.0),
        ]
    }

    fn windows(&self) -> Vec<Range> {
        let day = |(month, day): (u8, u8)| f64::from(month) + f64::from(day) / 100.0;
        let windows = self.season.windows.iter().filter(|window| !window.is_possible());
        let mut ranges = vec![
            ("season.gamma", self.season.gamma, 0.0, 0.5),
            ("season.shrink", self.season.shrink, 1e-3, 1e6),
        ];
        // No value lies in this range: a day that no calendar has cannot be put right by another number.
        ranges.extend(windows.map(|window| ("season.windows", day(window.from), 1.01, 1.0)));
        ranges
    }

    fn guards(&self) -> Vec<Range> {
        let (gates, categories, prices) = (&self.gates, &self.categories, &self.prices);
        vec![
            ("gates.least_support", gates.least_support.into(), 0.0, 1e6),
            ("gates.chance", gates.chance, 0.0, 1e6),
            ("gates.strong_support", gates.strong_support.into(), 0.0, 1000.0),
            ("gates.index_slack", gates.index_slack, 0.0, 10.0),
            ("categories.fewest", whole(categories.fewest), 0.0, 1e6),
            ("categories.most", whole(categories.most), 0.0, 1e6),
            ("categories.curated_share", categories.curated_share, 0.0, 1.0),
            ("prices.observations", prices.observations.into(), 0.0, 1e6),
            ("prices.tail_percent", prices.tail_percent.into(), 0.0, 49.0),
            ("prices.lowest", prices.lowest, 1e-6, 1.0),
            ("prices.highest", prices.highest, 1.0, 1e6),
            ("prices.softness", prices.softness, 1e-3, 100.0),
            ("prices.floor", prices.floor, 0.0, 1.0),
        ]
    }

    fn lists(&self) -> Vec<Range> {
        let (cold, diversity) = (&self.cold_start, &self.diversity);
        vec![
            ("cold_start.mu", cold.mu, 0.0, 1e6),
            ("cold_start.categories", whole(cold.categories), 0.0, 1000.0),
            ("cold_start.per_category", whole(cold.per_category), 0.0, 1000.0),
            ("cold_start.per_family", whole(cold.per_family), 0.0, 10_000.0),
            ("cold_start.stored", whole(cold.stored), 0.0, 1000.0),
            ("diversity.lambda", diversity.lambda, 0.0, 1.0),
            ("diversity.per_brand", whole(diversity.per_brand), 0.0, 1000.0),
            ("diversity.per_leaf", whole(diversity.per_leaf), 0.0, 1000.0),
        ]
    }

    fn sets(&self) -> Vec<Range> {
        let bundles = &self.bundles;
        vec![
            // Places of a pool are bits of one number.
            ("bundles.pool", whole(bundles.pool), 0.0, 32.0),
            ("bundles.per_role", whole(bundles.per_role), 0.0, 32.0),
            ("bundles.beam", whole(bundles.beam), 1.0, 1000.0),
            ("bundles.exact", whole(bundles.exact), 0.0, 16.0),
            ("bundles.fewest", whole(bundles.fewest), 1.0, whole(bundles.most)),
            ("bundles.most", whole(bundles.most), 1.0, 10.0),
            ("bundles.cohesion", bundles.cohesion, 0.0, 100.0),
            ("bundles.roles", bundles.roles, 0.0, 100.0),
            ("bundles.price", bundles.price, 0.0, 100.0),
            ("bundles.stored", whole(bundles.stored), 0.0, 50.0),
        ]
    }

    fn answers(&self) -> Vec<Range> {
        let feedback = &self.feedback;
        vec![
            ("feedback.examination", feedback.examination, 0.0, 4.0),
            ("feedback.prior", feedback.prior, 1e-3, 1e6),
            ("feedback.cart", feedback.cart, 0.0, 1e3),
            ("feedback.purchase", feedback.purchase, 0.0, 1e3),
            ("feedback.least", feedback.least, 0.0, 1.0),
            ("feedback.most", feedback.most, 1.0, 1e3),
            ("feedback.days", feedback.days.into(), 0.0, 3650.0),
        ]
    }

    /// One recipe for each relation that is made by recipes.
    fn relations(&self) -> Vec<Range> {
        let closed = [Relation::Together, Relation::AlsoViewed];
        let of = |relation| self.recipes.iter().filter(|one| one.relation == relation).count();
        let recipes = self.recipes.iter().map(|recipe| recipe.relation);
        recipes
            .map(|relation| {
                let most = if closed.contains(&relation) { 0.0 } else { 1.0 };
                ("recipes.relation", whole(of(relation)), 1.0, most)
            })
            .collect()
    }
}

fn recipe(recipe: &Recipe) -> Vec<Range> {
    let weights = recipe.weights.iter();
    let mut ranges: Vec<Range> = weights
        .map(|&(_, weight)| ("recipes.weights", weight, 0.0, 1e3))
        .collect();
    ranges.push(("recipes.base", recipe.base, 0.0, 1e3));
    if let PriceFit::Around {
        lowest,
        highest,
        centre,
        spread,
        ..
    } = recipe.price
    {
        ranges.extend([
            ("recipes.price", lowest, 1e-6, 1e6),
            ("recipes.price", highest, lowest, 1e6),
            ("recipes.price", centre, 1e-6, 1e6),
            ("recipes.price", spread, 1e-3, 100.0),
        ]);
    }
    ranges
}

fn gamma(weight: BasketWeight) -> f64 {
    match weight {
        BasketWeight::Log => 0.0,
        BasketWeight::Power(gamma) => gamma,
    }
}

/// What is large enough to lose digits lies outside any range.
fn whole(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::params::{Ridge, Viewed};

    #[test]
    fn the_defaults_are_valid_and_a_file_may_name_only_what_it_changes() {
        assert_eq!(Params::default().check(), Ok(()));
        let params: Params = serde_json::from_str(r#"{"together":{"alpha":1.0}}"#).unwrap();
        assert_eq!(params.together.alpha, 1.0);
        assert_eq!(params.viewed, Viewed::default());
    }

    #[test]
    fn a_number_no_formula_can_use_is_named() {
        let mut params = Params::default();
        params.together.beta = f64::NAN;
        assert_eq!(params.check().unwrap_err().name, "together.beta");
        assert!(serde_json::from_str::<Params>(r#"{"togehter":{}}"#).is_err());
    }

    /// JSON pointers to all numbers below `value`.
    fn numbers(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Number(_) => found.push(path.to_owned()),
            Value::Array(all) => {
                for (at, value) in all.iter().enumerate() {
                    numbers(value, &format!("{path}/{at}"), found);
                }
            }
            Value::Object(all) => {
                for (name, value) in all {
                    numbers(value, &format!("{path}/{name}"), found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_number_has_bounds() {
        let mut params = Params::default();
        params.together.single_weight = Some(BasketWeight::Power(1.0));
        params.together.ridge = Some(Ridge::default());
        assert_eq!(params.check(), Ok(()));
        let whole = serde_json::to_value(&params).unwrap();
        let mut paths = Vec::new();
        numbers(&whole, "", &mut paths);
        assert!(paths.len() > 80, "{paths:?}");
        for path in paths {
            for absurd in [json!(-1e300), json!(1e300), json!(u32::MAX)] {
                let mut changed = whole.clone();
                *changed.pointer_mut(&path).unwrap() = absurd.clone();
                // A field of whole numbers does not take what is none, nor a month what is no byte.
                let Ok(params) = serde_json::from_value::<Params>(changed) else {
                    continue;
                };
                let refused = params.check();
                assert!(refused.is_err(), "{path} takes {absurd}");
                let names: Vec<&str> = path
                    .split('/')
                    .filter(|name| name.parse::<u8>().is_err())
                    .collect();
                let (path, named) = (names.join("."), refused.unwrap_err().name);
                assert!(path[1..].starts_with(named), "{named} is to blame for {path}");
            }
        }
    }
}
