//! What a build can be told: every number of the formulas, with the documented fall-backs as defaults.

mod check;
mod feedback;
mod guard;
mod score;
mod season;
mod set;

pub use check::InvalidParam;
pub use feedback::Feedback;
pub use guard::{Categories, CategoryPair, ColdStart, Gates, Prices};
pub use score::{BasketWeight, Ridge, RidgeMix, Swing, Together, Viewed};
pub use season::{Calendar, Season, Window};
pub use set::{Bundles, Diversity};

use serde::{Deserialize, Serialize};

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
    fn a_number_no_formula_can_use_is_named() {
        let mut params = Params::default();
        params.together.beta = f64::NAN;
        assert_eq!(params.check().unwrap_err().name, "together.beta");
        assert!(serde_json::from_str::<Params>(r#"{"togehter":{}}"#).is_err());
    }
}
