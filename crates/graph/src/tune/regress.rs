use super::ballot::{Votes, ask};
use super::basket::{Court, Outcome, places};
use super::finding::{Attempt, Finding, gain, mean};
use super::guard::losing_quarter;
use super::query::Query;
use super::split::Split;
use crate::params::{Ridge, RidgeMix, Together};
use crate::ridge::{ClosedRows, Mixed, Regression, Weights};

/// Penalties in the order of trying: the middle first, then outwards while that helps.
const PENALTIES: [f64; 4] = [10.0, 30.0, 3.0, 1.0];
/// A regression is taken when it gains so many standard errors and this share over the plain closed form, and so many
/// standard errors over the fitted one.
const ERRORS: f64 = 3.0;
const SHARE: f64 = 0.03;
const ERRORS_OVER_FITTED: f64 = 2.0;

/// Tries a regression on top of what the closed form came to, and takes its best companions.
pub(super) fn fit(court: &Court<'_>, closed: &mut Outcome) -> (Option<Ridge>, Finding) {
    let base = Ridge::default();
    let popularity = court.popularity();
    let regression = Regression::new(court.ground, &base, court.cap, closed.together.weight);
    let best = std::mem::take(&mut closed.best);
    let anchors: Vec<u32> = best.iter().map(|one| one.0).collect();
    let closed_rows = ClosedRows::new(court.ground, &closed.together, best);
    let closed = &*closed;
    let mut trial = Trial::new(closed);
    let mut attempt = |penalty: f64| {
        let weights = regression.weights(penalty);
        let rows = closed_rows.mixed(&weights);
        let mut improved = false;
        for mix in [RidgeMix::Half, RidgeMix::Alone] {
            let after = judge(court, &anchors, &rows, mix, &weights);
            let loses = losing_quarter(&popularity, &closed.plain, &after).is_some();
            let ridge = Ridge {
                penalty,
                mix,
                ..base.clone()
            };
            improved |= trial.offer(ridge, after, loses && court.split == Split::Time);
        }
        improved
    };
    let [middle, larger, smaller, smallest] = PENALTIES;
    if attempt(middle) && !attempt(larger) && attempt(smaller) {
        attempt(smallest);
    }
    trial.decide(court)
}

/// The best regression so far.
struct Trial<'a> {
    plain: &'a [f64],
    closed: &'a [f64],
    /// Whether or not the guard lets it pass.
    most: f64,
    best: Option<(Ridge, Vec<f64>)>,
    refused: bool,
}

impl<'a> Trial<'a> {
    fn new(closed: &'a Outcome) -> Self {
        Self {
            plain: &closed.plain,
            closed: &closed.after,
            most: mean(&closed.after),
            best: None,
            refused: false,
        }
    }

    /// Whether it is better than all before; takes it if it also passes the guard.
    fn offer(&mut self, ridge: Ridge, after: Vec<f64>, loses: bool) -> bool {
        let (value, floor) = (mean(&after), mean(self.closed));
        if loses {
            self.refused |= value > floor;
        } else if value > self.best.as_ref().map_or(floor, |best| mean(&best.1)) {
            self.best = Some((ridge, after));
        }
        let improved = value > self.most;
        self.most = self.most.max(value);
        improved
    }

    fn decide(self, court: &Court<'_>) -> (Option<Ridge>, Finding) {
        let Some((ridge, after)) = self.best else {
            let why = if self.refused {
                "off: what gains on the whole loses a quarter of target popularity"
            } else {
                "off: no gain"
            };
            let finding = court.finding(Attempt::Ridge, self.closed, self.closed, why.to_owned());
            return (None, finding);
        };
        let over_plain = gain(self.plain, &after);
        let over_fitted = gain(self.closed, &after);
        let is_worth = over_plain.mean > ERRORS * over_plain.error
            && over_plain.mean > SHARE * mean(self.plain)
            && over_fitted.mean > ERRORS_OVER_FITTED * over_fitted.error;
        if !is_worth {
            let why = "off: the gain may be chance, or is too small".to_owned();
            return (None, court.finding(Attempt::Ridge, self.closed, &after, why));
        }
        let mix = match ridge.mix {
            RidgeMix::Alone => "alone",
            RidgeMix::Half => "half and half",
        };
        let verdict = format!("ℓ {}, {mix}", ridge.penalty);
        let finding = court.finding(Attempt::Ridge, self.closed, &after, verdict);
        (Some(ridge), finding)
    }
}

fn judge(court: &Court<'_>, anchors: &[u32], rows: &Mixed, mix: RidgeMix, weights: &Weights) -> Vec<f64> {
    let votes: Vec<Votes<1, 1>> = rows
        .lists(mix, weights)
        .into_iter()
        .map(|list| Votes {
            companions: list.iter().map(|(pair, _)| pair.item).collect(),
            powers: list.iter().map(|(_, vote)| [*vote as f32]).collect(),
            factor: [1.0],
        })
        .collect();
    let queries: Vec<&Query> = court.queries.iter().collect();
    let measures = ask(&queries, &places(anchors, court.ground.products()), &votes);
    measures.into_iter().map(|[query]| query).collect()
}

/// The choice as parameters.
pub(super) fn with(together: Together, ridge: Option<Ridge>) -> Together {
    Together { ridge, ..together }
}
