use rayon::prelude::*;
use tandem_domain::edge::STORED_COMPANIONS;

use super::ballot::{Votes, ask};
use super::finding::{Attempt, Finding, gain, mean, parts};
use super::guard::losing_quarter;
use super::query::Query;
use super::shortlist::{Shape, Shortlists, Slope};
use super::split::Split;
use crate::facts::dense;
use crate::ground::{Ground, keep_best};
use crate::params::{BasketWeight, Together};

const LAMBDAS: [f64; 2] = [20.0, 80.0];
/// The first of each two are tried under every weight, the others beside the best of them.
const BETAS: [f64; 6] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
const ALPHAS: [f64; 4] = [0.7, 0.85, 1.0, 1.2];
const POWERS: [f64; 4] = [1.0, 1.3, 1.6, 2.0];
/// Settings of one shape: every power under every α.
const LANES: usize = ALPHAS.len() * POWERS.len();
/// Shapes that lead on the sample and that all queries judge, one round after the other until the guard lets a setting
/// pass; and how many such settings are compared.
const FINALS: [usize; 2] = [4, 4];
const FINALISTS: usize = 4;

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
    /// By anchor, its best companions under the choice with their damped weights, best first.
    pub(super) best: Vec<(u32, Vec<(u32, f64)>)>,
    /// By query, under the guard's plain form and under the choice.
    pub(super) plain: Vec<f64>,
    pub(super) after: Vec<f64>,
}

/// Tries the grid of `basket_score`: coarse, and fine around the best of that.
pub(super) fn fit(court: &Court<'_>, start: &Together) -> Outcome {
    let own = Setting {
        shape: Shape {
            weight: start.weight,
            slope: Slope {
                lambda: start.lambda,
                beta: start.beta,
            },
        },
        alpha: start.alpha,
        power: start.power,
    };
    let plain = Setting::plain(start);
    let weights = weights(start.weight);
    let slopes = slopes(&[own.shape.slope, plain.shape.slope]);
    let lists = Shortlists::count(court.ground, court.cap, court.anchors(), weights.clone(), &slopes);
    let sample = court.queries.iter().filter(|query| query.sampled);
    let jury = Jury::seat(court, &lists, sample.collect());
    let mut tried = jury.rank(&coarse(&weights));
    if let Some(best) = tried.iter().max_by(|a, b| a.0.total_cmp(&b.0)) {
        tried.extend(jury.rank(&fine(&best.1.shape)));
    }
    tried.sort_by(|a, b| b.0.total_cmp(&a.0));
    let tried: Vec<Setting> = tried.into_iter().map(|one| one.1).collect();

    let Verdict {
        before,
        plain,
        best,
        refused,
    } = court.choose(&lists, &tried, &own, &plain);
    let (together, after, verdict) = match best {
        Some((setting, after)) => {
            let chosen = setting.into_params(start);
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
        best: best_companions(&lists, &together, &court.ground.counts),
        together,
        finding,
        plain,
        after,
    }
}

/// The basket weights that are tried, the given one first.
pub(super) fn weights(start: BasketWeight) -> Vec<BasketWeight> {
    let others = [BasketWeight::Power(0.5), BasketWeight::Power(1.0)];
    let others = others.into_iter().filter(|weight| *weight != start);
    std::iter::once(start).chain(others).collect()
}

/// Every slope that may be tried under a weight, with those `given`.
fn slopes(given: &[Slope]) -> Vec<Slope> {
    let mut slopes: Vec<Slope> = LAMBDAS
        .into_iter()
        .flat_map(|lambda| BETAS.map(|beta| Slope { lambda, beta }))
        .collect();
    for slope in given {
        if !slopes.contains(slope) {
            slopes.push(*slope);
        }
    }
    slopes
}

/// Every weight, and every other β.
fn coarse(weights: &[BasketWeight]) -> Vec<Shape> {
    let shapes = |&weight: &BasketWeight| {
        let betas = BETAS.into_iter().step_by(2);
        betas.map(move |beta| Shape {
            weight,
            slope: Slope {
                lambda: LAMBDAS[0],
                beta,
            },
        })
    };
    weights.iter().flat_map(shapes).collect()
}

/// The shapes next to one of the coarse grid.
fn fine(best: &Shape) -> Vec<Shape> {
    let at = BETAS
        .iter()
        .position(|beta| *beta == best.slope.beta)
        .unwrap_or(0);
    let betas = &BETAS[at.saturating_sub(1)..(at + 2).min(BETAS.len())];
    let shapes = LAMBDAS.into_iter().flat_map(|lambda| {
        betas.iter().map(move |&beta| Shape {
            weight: best.weight,
            slope: Slope { lambda, beta },
        })
    });
    shapes.filter(|shape| shape != best).collect()
}

impl Setting {
    /// The plain form that the guard compares with, whatever else the start is.
    fn plain(start: &Together) -> Self {
        Self {
            shape: Shape {
                weight: start.weight,
                slope: Slope {
                    lambda: 20.0,
                    beta: 0.3,
                },
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

    /// Where it stands among those of its shape.
    fn lane(&self) -> usize {
        let at = |all: &[f64], one: f64| all.iter().position(|known| *known == one).unwrap_or(0);
        at(&ALPHAS, self.alpha) * POWERS.len() + at(&POWERS, self.power)
    }

    fn into_params(self, start: &Together) -> Together {
        Together {
            weight: self.shape.weight,
            lambda: self.shape.slope.lambda,
            beta: self.shape.slope.beta,
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
        anchors(self.queries.iter(), self.ground.products())
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

    /// What all queries say of a setting, of the guard's plain form, and of those that lead on the sample, the best there
    /// first.
    fn choose(&self, lists: &Shortlists, tried: &[Setting], own: &Setting, plain: &Setting) -> Verdict {
        let popularity = self.popularity();
        let mut leaders: Vec<Shape> = Vec::new();
        for setting in tried {
            if !leaders.contains(&setting.shape) {
                leaders.push(setting.shape);
            }
        }
        let mut finals = |many: usize| leaders.drain(..many.min(leaders.len())).collect::<Vec<Shape>>();
        let mut shapes = finals(FINALS[0]);
        let jury = Jury::seat(self, lists, self.queries.iter().collect());
        let mut verdict = Verdict {
            before: jury.judge(own),
            plain: jury.judge(plain),
            best: None,
            refused: false,
        };
        let (mut most, mut passed) = (mean(&verdict.before), 0);
        for more in FINALS.into_iter().skip(1).map(Some).chain([None]) {
            let judged: Vec<Vec<[f64; LANES]>> = shapes.iter().map(|shape| jury.ask_all(shape)).collect();
            for setting in tried {
                let Some(at) = shapes.iter().position(|shape| *shape == setting.shape) else {
                    continue;
                };
                let lane = setting.lane();
                let after: Vec<f64> = judged[at].iter().map(|query| query[lane]).collect();
                let value = mean(&after);
                let loses = || losing_quarter(&popularity, &verdict.plain, &after).is_some();
                if self.split == Split::Time && loses() {
                    verdict.refused |= value > mean(&verdict.before);
                    continue;
                }
                if value > most {
                    (verdict.best, most) = (Some((*setting, after)), value);
                }
                passed += 1;
                if passed == FINALISTS {
                    break;
                }
            }
            let (0, Some(more)) = (passed, more) else { break };
            shapes = finals(more);
        }
        verdict
    }
}

/// What all queries say.
struct Verdict {
    /// By query, under what was given and under the guard's plain form.
    before: Vec<f64>,
    plain: Vec<f64>,
    /// The best setting that the guard lets pass, by query.
    best: Option<(Setting, Vec<f64>)>,
    /// Whether the guard refused one that gains.
    refused: bool,
}

/// By anchor, its best companions under a setting with their damped weights, best first.
fn best_companions(lists: &Shortlists, together: &Together, counts: &[u32]) -> Vec<(u32, Vec<(u32, f64)>)> {
    let &Together {
        weight, lambda, beta, ..
    } = together;
    let damping = Slope { lambda, beta }.damping(counts);
    let anchors = lists.anchors.par_iter().enumerate();
    let best = anchors.map(|(place, &anchor)| {
        let mut list = lists.list(place, weight, &damping, counts);
        keep_best(&mut list, STORED_COMPANIONS, |one| (one.1, one.0));
        (anchor, list)
    });
    best.collect()
}

/// Every product that some of the queries asks from.
fn anchors<'q>(queries: impl Iterator<Item = &'q Query>, products: usize) -> Vec<u32> {
    let mut asked = vec![false; products];
    for &anchor in queries.flat_map(|query| &query.anchors) {
        asked[anchor as usize] = true;
    }
    (0..dense(products))
        .filter(|&item| asked[item as usize])
        .collect()
}

/// Some queries, and whoever can answer them.
struct Jury<'a> {
    court: &'a Court<'a>,
    lists: &'a Shortlists,
    queries: Vec<&'a Query>,
    /// Of the lists those that the queries ask for, and by product the place among these.
    asked: Vec<usize>,
    places: Vec<u32>,
}

impl<'a> Jury<'a> {
    fn seat(court: &'a Court<'a>, lists: &'a Shortlists, queries: Vec<&'a Query>) -> Self {
        let products = court.ground.products();
        let anchors = anchors(queries.iter().copied(), products);
        let asked = anchors.iter().map(|&anchor| lists.place(anchor));
        Self {
            asked: asked.collect(),
            places: places(&anchors, products),
            court,
            lists,
            queries,
        }
    }

    /// Every setting of some shapes, with what it measures in all.
    fn rank(&self, shapes: &[Shape]) -> Vec<(f64, Setting)> {
        let of = |shape: &Shape| {
            let measures = self.ask_all(shape);
            let sum = |lane: usize| measures.iter().map(|query| query[lane]).sum();
            std::array::from_fn::<_, LANES, _>(|lane| (sum(lane), Setting::of(shape, lane)))
        };
        shapes.iter().flat_map(of).collect()
    }

    /// One setting, by query.
    fn judge(&self, setting: &Setting) -> Vec<f64> {
        let measures = self.ask(&setting.shape, &[setting.alpha], &[setting.power]);
        measures.into_iter().map(|[query]| query).collect()
    }

    /// All settings of a shape, by query and lane.
    fn ask_all(&self, shape: &Shape) -> Vec<[f64; LANES]> {
        self.ask(shape, &ALPHAS, &POWERS)
    }

    /// By query and lane; lane = α · `P` + power.
    fn ask<const P: usize, const L: usize>(
        &self,
        shape: &Shape,
        alphas: &[f64],
        powers: &[f64; P],
    ) -> Vec<[f64; L]> {
        let counts = &self.court.ground.counts;
        let damping = shape.slope.damping(counts);
        let votes: Vec<Votes<P, L>> = self
            .asked
            .par_iter()
            .map(|&place| {
                let list = self.lists.list(place, shape.weight, &damping, counts);
                let count = f64::from(counts[self.lists.anchors[place] as usize]);
                votes(&list, count + shape.slope.lambda, alphas, powers)
            })
            .collect();
        ask(&self.queries, &self.places, &votes)
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
    let ln_size = -(size as f32).ln();
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
        factor: std::array::from_fn(|lane| (ln_size * (alphas[lane / P] * powers[lane % P]) as f32).exp()),
    }
}
