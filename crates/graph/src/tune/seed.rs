use rayon::prelude::*;

use super::basket::Court;
use super::finding::{Attempt, Finding, gain, mean};
use super::query::Query;
use super::split::Split;
use crate::count::{self, Counter};
use crate::facts::dense;
use crate::params::Together;

const BETAS: [f64; 3] = [0.0, 0.1, 0.2];
const MUS: [f64; 3] = [0.0, 5.0, 20.0];
const TRENDS: [f64; 4] = [0.0, 0.15, 0.3, 0.5];
/// Places that count.
const SERVED: usize = 20;
/// Questions aimed at.
const QUESTIONS: usize = 6000;
/// The gate of significance opens when that gains so many standard errors.
const ERRORS: f64 = 2.0;

/// One setting of `score`; its basket weight is that of `basket_score`, so that a row is counted once.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Setting {
    beta: f64,
    mu: f64,
    trend: f64,
    significant: bool,
}

/// Tries the grid of `score`, then trends on top of its choice. `ratios` are sales of late against what is usual.
pub(super) fn fit(court: &Court<'_>, start: &Together, ratios: &[f64]) -> (Together, Finding) {
    let own = Setting {
        beta: start.single_beta,
        mu: start.single_mu,
        trend: start.trend,
        significant: start.significant,
    };
    let hall = Hall {
        court,
        start,
        ratios,
        questions: questions(court),
    };
    let first = hall.ask(&grid(own));
    let base = gate(first.iter().skip(1), true);
    let open = gate(first.iter().skip(1), false);
    let opened = gain(&base.1, &open.1);
    let base = if opened.mean > ERRORS * opened.error {
        open
    } else {
        base
    };
    let trends = if court.split == Split::Time {
        &TRENDS[..]
    } else {
        &[own.trend]
    };
    let with = |&trend: &f64| Setting { trend, ..base.0 };
    let second = hall.ask(&trends.iter().map(with).collect::<Vec<_>>());
    let all = first.iter().take(1).chain(&second);
    let (chosen, after) = all.fold(
        &first[0],
        |best, one| {
            if mean(&one.1) > mean(&best.1) { one } else { best }
        },
    );
    let finding = court.finding(Attempt::Score, &first[0].1, after, describe(chosen, &own));
    let together = Together {
        single_beta: chosen.beta,
        single_mu: chosen.mu,
        trend: chosen.trend,
        significant: chosen.significant,
        ..start.clone()
    };
    (together, finding)
}

fn describe(chosen: &Setting, own: &Setting) -> String {
    if chosen == own {
        return "as given: nothing tried is better".to_owned();
    }
    let gate = if chosen.significant {
        ""
    } else {
        ", pairs by chance too"
    };
    format!("β {}, μ {}, θ {}{gate}", chosen.beta, chosen.mu, chosen.trend)
}

/// The own one first, then the grid under its trend, the gate shut and open.
fn grid(own: Setting) -> Vec<Setting> {
    let mut settings = vec![own];
    for beta in BETAS {
        for mu in MUS {
            settings.extend([true, false].map(|significant| Setting {
                beta,
                mu,
                significant,
                ..own
            }));
        }
    }
    settings
}

/// A setting and, by query, its Recall@20.
type Asked = (Setting, Vec<f64>);

/// The best with the gate shut, or open.
fn gate<'a>(asked: impl Iterator<Item = &'a Asked>, significant: bool) -> Asked {
    let mut own = asked.filter(|one| one.0.significant == significant);
    let first = own.next().expect("the grid has both kinds");
    own.fold(
        first,
        |best, one| {
            if mean(&one.1) > mean(&best.1) { one } else { best }
        },
    )
    .clone()
}

/// (basket, seed): more seeds of a basket where baskets are few.
fn questions<'a>(court: &Court<'a>) -> Vec<(&'a Query, u32)> {
    let sampled = || court.queries.iter().filter(|query| query.sampled);
    let seeds = QUESTIONS.div_ceil(sampled().count().max(1));
    sampled()
        .flat_map(|query| query.seeds.iter().take(seeds).map(move |&seed| (query, seed)))
        .collect()
}

/// Where the seeds ask.
struct Hall<'a> {
    court: &'a Court<'a>,
    start: &'a Together,
    ratios: &'a [f64],
    questions: Vec<(&'a Query, u32)>,
}

/// A companion of a seed.
#[derive(Debug, Clone, Copy)]
struct Companion {
    item: u32,
    weight: f64,
    /// Baskets, and those of late against what is usual.
    count: u32,
    ratio: f64,
    /// More than chance.
    significant: bool,
}

impl Hall<'_> {
    fn ask(&self, settings: &[Setting]) -> Vec<Asked> {
        let ground = self.court.ground;
        let sizes = count::weights(self.court.cap, |size| self.start.weight.of(size));
        let factors: Vec<Vec<f64>> = settings.iter().map(|setting| self.factors(setting)).collect();
        let measures: Vec<Vec<f64>> = self
            .questions
            .par_iter()
            .map_init(
                || Counter::new(ground.products()),
                |counter, &(query, seed)| {
                    counter.clear();
                    counter.count(seed, ground.baskets, &sizes);
                    let row = self.row(counter, seed);
                    let of = |(setting, factors): (&Setting, &Vec<f64>)| {
                        self.recall(&row, (query, seed), setting, factors)
                    };
                    settings.iter().zip(&factors).map(of).collect()
                },
            )
            .collect();
        let of = |(at, &setting): (usize, &Setting)| {
            let values = measures.iter().map(|query| query[at]).collect();
            (setting, values)
        };
        settings.iter().enumerate().map(of).collect()
    }

    /// (n_j + λ)^-β by n_j: counts are few, products many.
    fn factors(&self, setting: &Setting) -> Vec<f64> {
        let most = self.court.ground.counts.iter().max().copied().unwrap_or(0);
        (0..=most)
            .map(|count| (f64::from(count) + self.start.single_lambda).powf(-setting.beta))
            .collect()
    }

    /// Everybody with enough support; those whom no gate can refuse first.
    fn row(&self, counter: &Counter, seed: u32) -> Vec<Companion> {
        let ground = self.court.ground;
        let touched = counter.touched().iter().copied();
        let mut row: Vec<Companion> = touched
            .filter(|&item| ground.is_companion(seed, item) && ground.is_supported(counter, item))
            .map(|item| Companion {
                item,
                weight: counter.weight(item),
                count: ground.counts[item as usize],
                ratio: self.ratios[item as usize],
                significant: ground.passes(counter, seed, item),
            })
            .collect();
        row.sort_by_key(|one| !one.significant);
        row
    }

    fn recall(&self, row: &[Companion], asked: (&Query, u32), setting: &Setting, factors: &[f64]) -> f64 {
        let row = if setting.significant {
            &row[..row.partition_point(|one| one.significant)]
        } else {
            row
        };
        let share = setting.mu / f64::from(dense(self.court.ground.baskets.len()).max(1));
        let value = |one: &Companion| {
            let damped = one.weight * factors[one.count as usize];
            let trend = if setting.trend == 0.0 {
                1.0
            } else {
                one.ratio.powf(setting.trend)
            };
            damped * trend + share * f64::from(one.count)
        };
        let values: Vec<f64> = row.iter().map(value).collect();
        recall(row, &values, asked)
    }
}

/// The share of relevant products in the best places; those who are level at the border share its places.
fn recall(row: &[Companion], values: &[f64], (query, seed): (&Query, u32)) -> f64 {
    let border = if values.len() > SERVED {
        let mut sorted = values.to_vec();
        *sorted.select_nth_unstable_by(SERVED - 1, |a, b| b.total_cmp(a)).1
    } else {
        0.0
    };
    let above = values.iter().filter(|value| **value > border).count();
    let level = values.iter().filter(|value| **value == border).count();
    let share = (SERVED - above.min(SERVED)) as f64 / level.max(1) as f64;
    let credit = |item: u32| {
        let value = row.iter().position(|one| one.item == item).map(|at| values[at]);
        match value {
            Some(value) if value > border => 1.0,
            Some(value) if value == border => share.min(1.0),
            _ => 0.0,
        }
    };
    let hits: f64 = query.relevant(seed).map(credit).sum();
    hits / query.relevant(seed).count() as f64
}
