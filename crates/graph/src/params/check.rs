//! Which numbers the formulas can work with.

use super::{BasketWeight, Params};
use crate::signals::{PriceFit, Recipe};
use tandem_domain::relation::Relation;

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

/// A parameter with its value, the smallest and the largest value accepted.
type Bound = (&'static str, f64, f64, f64);

impl Params {
    /// Whether every number is in the range that its formula is meant for, and no table that it sizes is larger than
    /// memory can hold.
    ///
    /// # Errors
    /// [`InvalidParam`] names the first one that is not.
    pub fn check(&self) -> Result<(), InvalidParam> {
        let bounds = self.scores().into_iter().chain(self.rest()).chain(self.sizes());
        let lists = self.windows().chain(self.relations());
        let is_outside = |&(_, value, least, most): &Bound| !(least..=most).contains(&value);
        match bounds.chain(lists).find(is_outside) {
            Some((name, value, least, most)) => Err(InvalidParam {
                name,
                value,
                least,
                most,
            }),
            None => Ok(()),
        }
    }

    fn scores(&self) -> [Bound; 19] {
        let (together, viewed) = (&self.together, &self.viewed);
        let gamma = |weight| match weight {
            BasketWeight::Log => 0.0,
            BasketWeight::Power(gamma) => gamma,
        };
        let penalty = together.ridge.as_ref().map_or(1.0, |ridge| ridge.penalty);
        [
            ("together.weight", gamma(together.weight), 0.0, 4.0),
            (
                "together.single_weight",
                together.single_weight.map_or(0.0, gamma),
                0.0,
                4.0,
            ),
            ("together.lambda", together.lambda, 1e-3, 1e6),
            ("together.alpha", together.alpha, 0.0, 4.0),
            ("together.beta", together.beta, 0.0, 4.0),
            ("together.power", together.power, 0.1, 10.0),
            ("together.single_lambda", together.single_lambda, 1e-3, 1e6),
            ("together.single_beta", together.single_beta, 0.0, 4.0),
            ("together.single_mu", together.single_mu, 0.0, 1e6),
            ("together.trend", together.trend, 0.0, 4.0),
            ("together.ridge.penalty", penalty, 1e-3, 1e6),
            ("viewed.gamma", viewed.gamma, 0.0, 4.0),
            ("viewed.reverse", viewed.reverse, 0.0, 1.0),
            ("viewed.lambda", viewed.lambda, 1e-3, 1e6),
            ("viewed.alpha", viewed.alpha, 0.0, 4.0),
            ("viewed.beta", viewed.beta, 0.0, 4.0),
            ("viewed.two_hop", viewed.two_hop, 0.0, 100.0),
            ("swing.alpha", self.swing.alpha, 1e-3, 1e6),
            ("season.gamma", self.season.gamma, 0.0, 0.5),
        ]
    }

    fn rest(&self) -> [Bound; 21] {
        let (prices, bundles, feedback) = (&self.prices, &self.bundles, &self.feedback);
        [
            ("season.shrink", self.season.shrink, 1e-3, 1e6),
            ("gates.chance", self.gates.chance, 0.0, 1e6),
            ("gates.index_slack", self.gates.index_slack, 0.0, 100.0),
            (
                "categories.curated_share",
                self.categories.curated_share,
                0.0,
                1.0,
            ),
            ("prices.lowest", prices.lowest, 1e-9, 1e9),
            ("prices.highest", prices.highest, prices.lowest, 1e9),
            ("prices.softness", prices.softness, 1e-3, 100.0),
            ("prices.floor", prices.floor, 0.0, 1.0),
            ("cold_start.mu", self.cold_start.mu, 0.0, 1e6),
            ("diversity.lambda", self.diversity.lambda, 0.0, 1.0),
            ("bundles.cohesion", bundles.cohesion, 0.0, 100.0),
            ("bundles.roles", bundles.roles, 0.0, 100.0),
            ("bundles.price", bundles.price, 0.0, 100.0),
            ("bundles.fewest", size(bundles.fewest), 0.0, 16.0),
            ("feedback.examination", feedback.examination, 0.0, 4.0),
            ("feedback.prior", feedback.prior, 1e-3, 1e6),
            ("feedback.cart", feedback.cart, 0.0, 1e3),
            ("feedback.purchase", feedback.purchase, 0.0, 1e3),
            ("feedback.least", feedback.least, 0.0, 1.0),
            ("feedback.most", feedback.most, 1.0, 1e3),
            ("feedback.days", f64::from(feedback.days), 0.0, 36_600.0),
        ]
    }

    /// What sizes tables, and what is searched whole.
    fn sizes(&self) -> [Bound; 6] {
        let anchors = self.together.ridge.as_ref().map_or(0, |ridge| ridge.anchors);
        let strong = f64::from(self.gates.strong_support);
        [
            ("together.ridge.anchors", size(anchors), 0.0, 1000.0),
            ("viewed.window", size(self.viewed.window), 0.0, 1000.0),
            ("gates.strong_support", strong, 0.0, 1000.0),
            ("bundles.exact", size(self.bundles.exact), 0.0, 16.0),
            ("bundles.most", size(self.bundles.most), 0.0, 16.0),
            ("bundles.beam", size(self.bundles.beam), 0.0, 1000.0),
        ]
    }

    fn windows(&self) -> impl Iterator<Item = Bound> {
        let day = |(month, day): (u8, u8)| f64::from(month) + f64::from(day) / 100.0;
        let windows = self.season.windows.iter().filter(|window| !window.is_possible());
        windows.map(move |window| ("season.windows", day(window.from), 1.01, 1.0))
    }

    /// One recipe per relation that is made by one, and numbers in each that a score can be made of.
    fn relations(&self) -> impl Iterator<Item = Bound> {
        let closed = [Relation::Together, Relation::AlsoViewed];
        let same = |relation| {
            self.recipes
                .iter()
                .filter(move |one| one.relation == relation)
                .count()
        };
        let recipes = self.recipes.iter().map(move |recipe| {
            let most = if closed.contains(&recipe.relation) {
                0.0
            } else {
                1.0
            };
            ("recipes.relation", size(same(recipe.relation)), 1.0, most)
        });
        recipes.chain(self.recipes.iter().flat_map(recipe))
    }
}

fn size(size: usize) -> f64 {
    size as f64
}

fn recipe(recipe: &Recipe) -> impl Iterator<Item = Bound> {
    let weights = recipe.weights.iter().map(|&(_, weight)| weight);
    let weights = weights.map(|weight| ("recipes.weights", weight, 0.0, 1e6));
    let ratios = match recipe.price {
        PriceFit::Off | PriceFit::Band => Vec::new(),
        PriceFit::Around {
            lowest,
            highest,
            centre,
            spread,
            ..
        } => vec![
            ("recipes.price.lowest", lowest, 1e-9, 1e9),
            ("recipes.price.highest", highest, lowest, 1e9),
            ("recipes.price.centre", centre, 1e-9, 1e9),
            ("recipes.price.spread", spread, 1e-3, 1e3),
        ],
    };
    let base = ("recipes.base", recipe.base, 0.0, 1e6);
    weights.chain(ratios).chain([base])
}
