//! What a build can be told: every number of the formulas, with the documented fall-backs as defaults.

mod check;
mod feedback;
mod guard;
mod score;
mod season;
mod set;

pub use check::InvalidParam;
pub use feedback::Feedback;
pub use guard::{Categories, ColdStart, Gates, Prices};
pub use score::{BasketWeight, Ridge, RidgeMix, Swing, Together, Viewed};
pub use season::{Calendar, Season, Window};
pub use set::{Bundles, Diversity};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tandem_domain::rule::{CategoryRule, RuleKey};

use crate::signals::Recipe;

/// The numbers of every formula; [`Default`] is the documented fall-back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Bought together.
    pub together: Together,
    /// Also viewed.
    pub viewed: Viewed,
    /// Sessions that agree on more than one pair.
    pub swing: Swing,
    /// When other things sell.
    pub season: Season,
    /// What keeps chance out.
    pub gates: Gates,
    /// Which categories go together.
    pub categories: Categories,
    /// Which prices go together.
    pub prices: Prices,
    /// Products about which little is known.
    pub cold_start: ColdStart,
    /// Variety inside a list.
    pub diversity: Diversity,
    /// Sets.
    pub bundles: Bundles,
    /// What shoppers made of what they were shown.
    pub feedback: Feedback,
    /// How signals become the scores of the gated relations.
    pub recipes: Vec<Recipe>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            together: Together::default(),
            viewed: Viewed::default(),
            swing: Swing::default(),
            season: Season::default(),
            gates: Gates::default(),
            categories: Categories::default(),
            prices: Prices::default(),
            cold_start: ColdStart::default(),
            diversity: Diversity::default(),
            bundles: Bundles::default(),
            feedback: Feedback::default(),
            recipes: crate::signals::table(),
        }
    }
}

/// Why a text gives no parameters.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableParams {
    /// It is no JSON, or says what parameters do not have.
    #[error(transparent)]
    Text(#[from] serde_json::Error),
    /// A number is out of range.
    #[error(transparent)]
    Number(#[from] InvalidParam),
}

impl Params {
    /// The same with these rules over its own: of a pair and shop that both speak of, these count.
    #[must_use]
    pub fn with_rules(mut self, rules: Vec<CategoryRule>) -> Self {
        self.categories.rules.extend(rules);
        let all = std::mem::take(&mut self.categories.rules).into_iter();
        let last: BTreeMap<RuleKey, CategoryRule> = all.map(|rule| (rule.key.clone(), rule)).collect();
        self.categories.rules = last.into_values().collect();
        self
    }

    /// Reads parameters from JSON; what the text leaves out has its default.
    ///
    /// # Errors
    /// [`UnreadableParams`] with the place in the text, or the parameter that no formula can use.
    pub fn from_json(text: &str) -> Result<Self, UnreadableParams> {
        let params: Self = serde_json::from_str(text)?;
        params.check()?;
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_a_file_may_name_only_what_it_changes() {
        assert_eq!(Params::default().check(), Ok(()));
        let params: Params = serde_json::from_str(r#"{"together":{"alpha":1.0}}"#).unwrap();
        assert_eq!(params.together.alpha, 1.0);
        assert_eq!(params.viewed, Viewed::default());
    }

    #[test]
    fn rules_come_over_those_of_the_same_pair_and_shop_and_beside_others() {
        let params = |rules: &str| {
            let text = format!(r#"{{"categories":{{"rules":[{rules}]}}}}"#);
            Params::from_json(&text).unwrap()
        };
        let related = r#"{"anchor":"a","companion":"b","verdict":"related"}"#;
        let forbidden = r#"{"anchor":"a","companion":"b","verdict":"forbidden"}"#;
        let of_a_shop = r#"{"shop":"s","anchor":"a","companion":"b","verdict":"related"}"#;
        let merged = params(&format!("{related},{of_a_shop}")).with_rules(params(forbidden).categories.rules);
        assert_eq!(merged, params(&format!("{forbidden},{of_a_shop}")));
    }

    #[test]
    fn a_number_no_formula_can_use_is_named() {
        let mut params = Params::default();
        params.together.beta = f64::NAN;
        assert_eq!(params.check().unwrap_err().name, "together.beta");
        let unreadable = |text: &str| Params::from_json(text).unwrap_err().to_string();
        assert!(unreadable(r#"{"togehter":{}}"#).contains("togehter"));
        assert!(unreadable(r#"{"together":{"beta":9.0}}"#).contains("together.beta"));
    }
}
