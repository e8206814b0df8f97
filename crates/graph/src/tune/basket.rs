use rayon::prelude::*;

use super::ballot::{Votes, ask};
use super::finding::{Attempt, Finding, gain, mean, parts};
use super::guard::losing_quarter;
use super::query::Query;
use super::shortlist::{Shape, Shortlists};
use super::split::Split;
use crate::facts::dense;
use crate::ground::Ground;
use crate::params::{BasketWeight, Together};

const LAMBDAS: [f64; 2] = [20.0, 80.0];
const BETAS: [f64; 6] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
const ALPHAS: [f64; 4] = [0.7, 0.85, 1.0, 1.2];
const POWERS: [f64; 4] = [1.0, 1.3, 1.6, 2.0];
/// Settings of one shape: every power under every α.
const LANES: usize = ALPHAS.len() * POWERS.len();
/// Leaders of the sample that all queries judge: so many that the guard lets pass, of so many shapes.
const FINALISTS: usize = 4;
const FINAL_SHAPES: usize = 8;

/// The queries of a validation part and the votes that answer them.
pub(super) struct Court<'a> {
    pub(super) ground: &'a Ground<'a>,
    pub(super) queries: &'a [Query],
    pub(super) split: Split,
    pub(super) cap: usize,
}

/// One setting of the grid.
#[derive(Debug, Clone, Copy)]
struct Setting {
    shape: Shape,
    alpha: f64,
    power: f64,
}

/// What a grid came to.
pub(super) struct Outcome {
    pub(super) together: Together,
    pub(super) finding: Finding,
    /// By query, under the guard's plain form and under the choice.
    pub(super) plain: Vec<f64>,
    pub(super) after: Vec<f64>,
}

/// Tries the grid of `basket_score`.
pub(super) fn fit(court: &Court<'_>, start: &Together) -> Outcome {
    let mut weights = vec![start.weight, BasketWeight::Power(0.5), BasketWeight::Power(1.0)];
    weights.dedup();
    let own = Setting {
        shape: Shape {
            weight: 0,
            lambda: start.lambda,
            beta: start.beta,
        },
        alpha: start.alpha,
        power: start.power,
    };
    let shapes: Vec<Shape> = shapes(weights.len());
    let known: Vec<Shape> = std::iter::once(own.shape).chain(shapes.iter().copied()).collect();
    let lists = Shortlists::count(court.ground, court.cap, court.anchors(), &weights, &known);
    let before = court.judge(&lists, &own);
    let plain = court.judge(&lists, &Setting::plain());
    let (best, refused) = court.choose(&lists, &shapes, &before, &plain);
    let (together, after, verdict) = match best {
        Some((setting, after)) => {
            let chosen = setting.into_params(start, &weights);
            let verdict = describe(&chosen);
            (chosen, after, verdict)
        }
        None => {
            let why = if refused {
                "as given: what gains on the whole loses a quarter of target popularity"
            } else {
                "as given: nothing tried is better"
            };
            (start.clone(), before.clone(), why.to_owned())
        }
    };
    let finding = court.finding(Attempt::BasketScore, &before, &after, verdict);
    Outcome {
        together,
        finding,
        plain,
        after,
    }
}

fn shapes(weights: usize) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for weight in 0..weights {
        for lambda in LAMBDAS {
            shapes.extend(BETAS.map(|beta| Shape { weight, lambda, beta }));
        }
    }
    shapes
}

impl Setting {
    /// The plain form that the guard compares with, whatever the start.
    fn plain() -> Self {
        Self {
            shape: Shape {
                weight: 0,
                lambda: 20.0,
                beta: 0.3,
            },
            alpha: 0.7,
            power: 1.0,
        }
    }

    fn of(shape: &Shape, lane: usize) -> Self {
        Self {
            shape: *shape,
            alpha: ALPHAS[lane / POWERS.len()],
            power: POWERS[lane % POWERS.len()],
        }
    }

    fn into_params(self, start: &Together, weights: &[BasketWeight]) -> Together {
        Together {
            weight: weights[self.shape.weight],
            lambda: self.shape.lambda,
            beta: self.shape.beta,
            alpha: self.alpha,
            power: self.power,
            ..start.clone()
        }
    }
}

fn describe(chosen: &Together) -> String {
    format!(
        "weight {}, λ {}, α {}, β {}, p {}",
        chosen.weight, chosen.lambda, chosen.alpha, chosen.beta, chosen.power
    )
}

impl Court<'_> {
    /// Every product that some query asks from.
    pub(super) fn anchors(&self) -> Vec<u32> {
        let mut asked = vec![false; self.ground.products()];
        for &anchor in self.queries.iter().flat_map(|query| &query.anchors) {
            asked[anchor as usize] = true;
        }
        (0..dense(asked.len()))
            .filter(|&item| asked[item as usize])
            .collect()
    }

    /// By query, how often the training part holds its target.
    pub(super) fn popularity(&self) -> Vec<u32> {
        let of = |query: &Query| self.ground.counts[query.target as usize];
        self.queries.iter().map(of).collect()
    }

    pub(super) fn finding(
        &self,
        attempt: Attempt,
        before: &[f64],
        after: &[f64],
        verdict: String,
    ) -> Finding {
        Finding {
            attempt,
            split: self.split,
            queries: dense(before.len()),
            before: parts(mean(before)),
            after: parts(mean(after)),
            error: parts(gain(before, after).error),
            verdict,
        }
    }

    /// The best setting that the guard lets pass, over all queries, among those that lead on the sample; and whether
    /// the guard refused one.
    fn choose(
        &self,
        lists: &Shortlists,
        shapes: &[Shape],
        before: &[f64],
        plain: &[f64],
    ) -> (Option<(Setting, Vec<f64>)>, bool) {
        let popularity = self.popularity();
        let all: Vec<&Query> = self.queries.iter().collect();
        let mut judged: Vec<Option<Vec<[f64; LANES]>>> = vec![None; shapes.len()];
        let (mut best, mut most, mut refused, mut passed, mut asked) = (None, mean(before), false, 0, 0);
        for (shape, lane) in self.rank(lists, shapes) {
            if judged[shape].is_none() {
                if asked == FINAL_SHAPES {
                    break;
                }
                asked += 1;
                judged[shape] = Some(self.ask(lists, &all, &shapes[shape], &ALPHAS, &POWERS));
            }
            let measures = judged[shape].iter().flatten();
            let after: Vec<f64> = measures.map(|query| query[lane]).collect();
            let value = mean(&after);
            let setting = Setting::of(&shapes[shape], lane);
            if self.split == Split::Time && losing_quarter(&popularity, plain, &after).is_some() {
                refused |= value > mean(before);
                continue;
            }
            if value > most {
                (best, most) = (Some((setting, after)), value);
            }
            passed += 1;
            if passed == FINALISTS {
                break;
            }
        }
        (best, refused)
    }

    /// Settings of the grid as (shape, lane), the best on the sample first.
    fn rank(&self, lists: &Shortlists, shapes: &[Shape]) -> Vec<(usize, usize)> {
        let sample: Vec<&Query> = self.queries.iter().filter(|query| query.sampled).collect();
        let mut tried: Vec<(f64, (usize, usize))> = Vec::new();
        for (at, shape) in shapes.iter().enumerate() {
            let measures: Vec<[f64; LANES]> = self.ask(lists, &sample, shape, &ALPHAS, &POWERS);
            let sum = |lane: usize| measures.iter().map(|query| query[lane]).sum();
            tried.extend((0..LANES).map(|lane| (sum(lane), (at, lane))));
        }
        tried.sort_by(|a, b| b.0.total_cmp(&a.0));
        tried.into_iter().map(|one| one.1).collect()
    }

    /// One setting over all queries.
    fn judge(&self, lists: &Shortlists, setting: &Setting) -> Vec<f64> {
        let all: Vec<&Query> = self.queries.iter().collect();
        let measures = self.ask(lists, &all, &setting.shape, &[setting.alpha], &[setting.power]);
        measures.into_iter().map(|[query]| query).collect()
    }

    /// By query and lane; lane = α · `P` + power.
    fn ask<const P: usize, const L: usize>(
        &self,
        lists: &Shortlists,
        queries: &[&Query],
        shape: &Shape,
        alphas: &[f64],
        powers: &[f64; P],
    ) -> Vec<[f64; L]> {
        let damping = shape.damping(&self.ground.counts);
        let mut needed = vec![false; self.ground.products()];
        for &anchor in queries.iter().flat_map(|query| &query.anchors) {
            needed[anchor as usize] = true;
        }
        let votes: Vec<Votes<P, L>> = lists
            .anchors
            .par_iter()
            .enumerate()
            .map(|(place, &anchor)| {
                let list = if needed[anchor as usize] {
                    lists.list(place, shape, &damping)
                } else {
                    Vec::new()
                };
                let count = f64::from(self.ground.counts[anchor as usize]);
                votes(&list, count + shape.lambda, alphas, powers)
            })
            .collect();
        ask(queries, &places(&lists.anchors, self.ground.products()), &votes)
    }
}

/// Where each product stands among `anchors`.
pub(super) fn places(anchors: &[u32], products: usize) -> Vec<u32> {
    let mut places = vec![0; products];
    for (place, &anchor) in anchors.iter().enumerate() {
        places[anchor as usize] = dense(place);
    }
    places
}

/// `(v · size^-α)^p` for every pair of an α and a power.
fn votes<const P: usize, const L: usize>(
    list: &[(u32, f64)],
    size: f64,
    alphas: &[f64],
    powers: &[f64; P],
) -> Votes<P, L> {
    let powered = |value: f64| {
        // One logarithm for all of them; values are above 0.
        let ln = (value as f32).ln();
        powers.map(|power| {
            if power == 1.0 {
                value as f32
            } else {
                (ln * power as f32).exp()
            }
        })
    };
    Votes {
        companions: list.iter().map(|one| one.0).collect(),
        powers: list.iter().map(|one| powered(one.1)).collect(),
        factor: std::array::from_fn(|lane| size.powf(-alphas[lane / P] * powers[lane % P]) as f32),
    }
}
