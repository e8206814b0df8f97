//! What a build is asked for, and so what has to be gathered and counted at all.

use tandem_domain::relation::Relation;

use crate::params::Params;
use crate::signals::{IndexGate, Input, Proposal, Recipe};

/// Some relations, with or without bundles, and the signals that they read. What nobody reads is neither gathered nor
/// counted; the lists that are asked for do not depend on what else is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    relations: Vec<Relation>,
    bundles: bool,
    inputs: [bool; Input::COUNTED.len()],
}

impl Wanted {
    /// Every relation, and bundles.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            relations: Relation::ALL.to_vec(),
            bundles: true,
            inputs: [true; Input::COUNTED.len()],
        }
    }

    /// The lists of `relations`, made as `params` say, and no bundles.
    #[must_use]
    pub fn lists(relations: &[Relation], params: &Params) -> Self {
        let mut wanted = Self {
            relations: relations.to_vec(),
            bundles: false,
            inputs: [false; Input::COUNTED.len()],
        };
        for &relation in relations {
            match relation {
                Relation::Together => wanted.read(Input::CoPurchase),
                Relation::AlsoViewed => wanted.read(Input::CoView),
                _ => {
                    let recipes = params.recipes.iter().filter(|recipe| recipe.relation == relation);
                    recipes.for_each(|recipe| wanted.read_all(recipe));
                }
            }
        }
        wanted
    }

    /// A signal that is counted, and the one that its closed form is fitted on.
    fn read(&mut self, input: Input) {
        if let Some(at) = input.counter() {
            self.inputs[at] = true;
            self.inputs[input.fitted_on().counter().unwrap_or(at)] = true;
        }
    }

    fn read_all(&mut self, recipe: &Recipe) {
        let weighed = recipe.weights.iter().map(|&(input, _)| input);
        weighed
            .chain(recipe.significant.iter().copied())
            .for_each(|input| self.read(input));
        if recipe.index != IndexGate::Off {
            self.read(Input::CoPurchase);
            self.read(Input::CoView);
        }
        if recipe.proposal == Proposal::Related {
            self.read(Input::CoPurchase);
        }
    }

    /// Whether the lists of a relation are asked for.
    #[must_use]
    pub fn has(&self, relation: Relation) -> bool {
        self.relations.contains(&relation)
    }

    /// Whether bundles are asked for.
    #[must_use]
    pub const fn has_bundles(&self) -> bool {
        self.bundles
    }

    /// Whether something asked for reads the input.
    pub(crate) fn counts(&self, input: Input) -> bool {
        input.counter().is_some_and(|at| self.inputs[at])
    }

    /// Whether anything reads attributes: categories, prices, brands, tags and titles.
    #[must_use]
    pub fn reads_attributes(&self) -> bool {
        let closed = |relation: &Relation| matches!(relation, Relation::Together | Relation::AlsoViewed);
        !self.relations.iter().all(closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_read_is_counted() {
        let params = Params::default();
        let together = Wanted::lists(&[Relation::Together], &params);
        assert!(together.counts(Input::CoPurchase) && !together.counts(Input::CoView));
        assert!(!together.reads_attributes() && !together.has_bundles());
        let complement = Wanted::lists(&[Relation::Complement], &params);
        assert!(complement.counts(Input::CoView) && complement.counts(Input::Scene));
        assert!(!complement.counts(Input::Swing) && complement.reads_attributes());
        assert!(
            Input::COUNTED
                .into_iter()
                .all(|input| Wanted::everything().counts(input))
        );
    }
}
