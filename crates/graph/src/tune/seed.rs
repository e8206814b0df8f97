use rayon::prelude::*;

use super::basket::Court;
use super::finding::{Attempt, Finding, gain, mean};
use super::query::Query;
use super::split::Split;
use crate::count::{self, Counter};
use crate::damping::damping;
use crate::epoch::season_factor;
use crate::facts::dense;
use crate::params::{BasketWeight, Together};

const BETAS: [f64; 3] = [0.0, 0.1, 0.2];
const MUS: [f64; 3] = [0.0, 5.0, 20.0];
const TRENDS: [f64; 4] = [0.0, 0.15, 0.3, 0.5];
/// γ of the season, tried where a window is open and was before.
const SEASONS: [f64; 3] = [0.0, 0.25, 0.5];
/// Places that count.
const SERVED: usize = 20;
/// Questions aimed at.
const QUESTIONS: usize = 6000;
/// The gate of significance opens when that gains so many standard errors.
const GATE_ERRORS: f64 = 2.0;
/// A weight of its own, which has every row counted twice, is taken when it gains so many standard errors.
const WEIGHT_ERRORS: f64 = 1.0;

/// One setting of `score`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Setting {
    weight: BasketWeight,
    beta: f64,
    mu: f64,
    trend: f64,
    /// γ of the season.
    season: f64,
    significant: bool,
}

/// What is known of sales at the end of the training part, by product.
pub(super) struct Sales {
    /// Of late against what is usual.
    pub(super) ratios: Vec<f64>,
    /// In the window that is open then, against what is usual; empty where none is.
    pub(super) lifts: Vec<f64>,
}

/// Tries the grid of `score`, then trends and seasons on top of its choice; also γ of the season.
pub(super) fn fit(
    court: &Court<'_>,
    start: &Together,
    gamma: f64,
    sales: &Sales,
) -> (Together, f64, Finding) {
    let own = Setting {
        weight: start.single_weight.unwrap_or(start.weight),
        beta: start.single_beta,
        mu: start.single_mu,
        trend: start.trend,
        season: gamma,
        significant: start.significant,
    };
    let hall = Hall {
        court,
        lambda: start.single_lambda,
        sales,
        questions: questions(court),
    };
    let before = hall.ask(own.weight, &[own]).swap_remove(0);
    let weights = weights(start);
    let first: Vec<Asked> = weights
        .iter()
        .flat_map(|&weight| hall.ask(weight, &grid(Setting { weight, ..own })))
        .collect();
    let of = |weight, significant| {
        let is_asked = move |one: &&Asked| one.0.weight == weight && one.0.significant == significant;
        lead(first.iter().filter(is_asked))
    };
    let shut = weights.iter().map(|&weight| of(weight, true));
    let shut = shut
        .reduce(|best, other| better(best, other, WEIGHT_ERRORS))
        .expect("there are weights");
    let open = of(shut.0.weight, false);
    let base = better(shut, open, GATE_ERRORS);
    let trends = if court.split == Split::Time {
        &TRENDS[..]
    } else {
        &[own.trend]
    };
    let with = |&trend: &f64| Setting { trend, ..base.0 };
    let second = hall.ask(base.0.weight, &trends.iter().map(with).collect::<Vec<_>>());
    let second = best(std::iter::once(&before).chain(&second));
    let seasons = if sales.lifts.is_empty() { &[][..] } else { &SEASONS };
    let with = |&season: &f64| Setting { season, ..second.0 };
    let third = hall.ask(second.0.weight, &seasons.iter().map(with).collect::<Vec<_>>());
    let (chosen, after) = best(std::iter::once(second).chain(&third));
    let finding = court.finding(Attempt::Score, &before.1, after, describe(chosen, &own));
    let together = Together {
        single_weight: Some(chosen.weight).filter(|weight| *weight != start.weight),
        single_beta: chosen.beta,
        single_mu: chosen.mu,
        trend: chosen.trend,
        significant: chosen.significant,
        ..start.clone()
    };
    (together, chosen.season, finding)
}

/// The weight of `basket_score` first: under that one a row is counted once.
fn weights(start: &Together) -> Vec<BasketWeight> {
    let others = [BasketWeight::Power(0.5), BasketWeight::Power(1.0)];
    let others = others.into_iter().filter(|weight| *weight != start.weight);
    std::iter::once(start.weight).chain(others).collect()
}

/// `other` where it gains so many standard errors.
fn better<'a>(best: &'a Asked, other: &'a Asked, errors: f64) -> &'a Asked {
    let gained = gain(&best.1, &other.1);
    if gained.mean > errors * gained.error {
        other
    } else {
        best
    }
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
    let season = if chosen.season == own.season {
        String::new()
    } else {
        format!(", season γ {}", chosen.season)
    };
    format!(
        "weight {}, β {}, μ {}, θ {}{season}{gate}",
        chosen.weight, chosen.beta, chosen.mu, chosen.trend
    )
}

/// The grid around a setting, the gate shut and open.
fn grid(own: Setting) -> Vec<Setting> {
    let mut settings = Vec::new();
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

/// The first of those with the largest mean.
fn best<'a>(asked: impl Iterator<Item = &'a Asked>) -> &'a Asked {
    let better = |best: &'a Asked, one: &'a Asked| if mean(&one.1) > mean(&best.1) { one } else { best };
    asked.reduce(better).expect("something was asked")
}

/// The best; and of those with the same β that fall short of it by no more than a standard error, the one that pulls
/// least towards popular companions, so that as many as can be are found.
fn lead<'a>(asked: impl Iterator<Item = &'a Asked> + Clone) -> &'a Asked {
    let best = asked
        .clone()
        .reduce(|best, one| if mean(&one.1) > mean(&best.1) { one } else { best })
        .expect("the grid is not empty");
    let level = asked.filter(|one| one.0.beta == best.0.beta && one.0.mu < best.0.mu);
    level
        .filter(|one| std::ptr::eq(better(one, best, 1.0), *one))
        .min_by(|a, b| a.0.mu.total_cmp(&b.0.mu))
        .unwrap_or(best)
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
    lambda: f64,
    sales: &'a Sales,
    questions: Vec<(&'a Query, u32)>,
}

/// A companion of a seed.
#[derive(Debug, Clone, Copy)]
struct Companion {
    item: u32,
    weight: f64,
    /// Baskets.
    count: u32,
}

/// What decides everything in a value but the pull towards popular companions: tabulated once, for all of its settings.
struct Form {
    beta: f64,
    trend: f64,
    season: f64,
    /// (n_j + λ)^-β by n_j: counts are few, products many.
    damping: Vec<f64>,
    /// Trend and season, by product.
    factors: Vec<f64>,
}

impl Form {
    fn is_of(&self, setting: &Setting) -> bool {
        self.beta == setting.beta && self.trend == setting.trend && self.season == setting.season
    }
}

/// Scratch of one worker.
struct Bench {
    counter: Counter,
    row: Vec<Companion>,
    damped: Vec<f64>,
    values: Vec<f64>,
    sorted: Vec<f64>,
    /// Where the relevant products stand in the row.
    relevant: Vec<Option<usize>>,
}

impl Hall<'_> {
    /// Settings of one weight.
    fn ask(&self, weight: BasketWeight, settings: &[Setting]) -> Vec<Asked> {
        let sizes = count::weights(self.court.cap, |size| weight.of(size));
        let forms = self.forms(settings);
        let bench = || Bench {
            counter: Counter::new(self.court.ground.products()),
            row: Vec::new(),
            damped: Vec::new(),
            values: Vec::new(),
            sorted: Vec::new(),
            relevant: Vec::new(),
        };
        let measures: Vec<Vec<f64>> = self
            .questions
            .par_iter()
            .map_init(bench, |bench, &question| {
                self.recalls(bench, question, &sizes, settings, &forms)
            })
            .collect();
        let of = |(at, &setting): (usize, &Setting)| {
            let values = measures.iter().map(|query| query[at]).collect();
            (setting, values)
        };
        settings.iter().enumerate().map(of).collect()
    }

    /// The forms of some settings, each once.
    fn forms(&self, settings: &[Setting]) -> Vec<Form> {
        let most = self.court.ground.counts.iter().max().copied().unwrap_or(0);
        let mut forms: Vec<Form> = Vec::new();
        for setting in settings {
            if forms.iter().any(|form| form.is_of(setting)) {
                continue;
            }
            forms.push(Form {
                beta: setting.beta,
                trend: setting.trend,
                season: setting.season,
                damping: (0..=most)
                    .map(|count| damping(count, self.lambda, setting.beta))
                    .collect(),
                factors: self.factors(setting),
            });
        }
        forms
    }

    fn factors(&self, setting: &Setting) -> Vec<f64> {
        let Sales { ratios, lifts } = self.sales;
        let mut factors: Vec<f64> = ratios.iter().map(|ratio| ratio.powf(setting.trend)).collect();
        for (factor, &lift) in factors.iter_mut().zip(lifts) {
            *factor *= season_factor(setting.season, lift);
        }
        factors
    }

    /// One question under every setting.
    fn recalls(
        &self,
        bench: &mut Bench,
        (query, seed): (&Query, u32),
        sizes: &[u64],
        settings: &[Setting],
        forms: &[Form],
    ) -> Vec<f64> {
        let ground = self.court.ground;
        bench.counter.clear();
        bench.counter.count(seed, ground.baskets, sizes);
        let behind_gate = self.fill(bench, seed);
        bench.relevant.clear();
        for item in query.relevant(seed) {
            let at = bench.row.iter().position(|one| one.item == item);
            bench.relevant.push(at);
        }
        let share = 1.0 / f64::from(dense(ground.baskets.len()).max(1));
        let mut recalls = vec![0.0; settings.len()];
        for form in forms {
            let damped = |one: &Companion| {
                one.weight * form.damping[one.count as usize] * form.factors[one.item as usize]
            };
            bench.damped.clear();
            bench.damped.extend(bench.row.iter().map(damped));
            for (setting, recall) in settings.iter().zip(&mut recalls) {
                if form.is_of(setting) {
                    let stands = if setting.significant {
                        behind_gate
                    } else {
                        bench.row.len()
                    };
                    *recall = bench.recall(stands, setting.mu * share);
                }
            }
        }
        recalls
    }

    /// Fills the row with everybody who has enough support, those whom no gate can refuse first; how many those are.
    fn fill(&self, bench: &mut Bench, seed: u32) -> usize {
        let (ground, counter) = (self.court.ground, &bench.counter);
        bench.row.clear();
        let mut behind_gate = 0;
        for &item in counter.touched() {
            if !ground.is_companion(seed, item) || !ground.is_supported(counter, item) {
                continue;
            }
            bench.row.push(Companion {
                item,
                weight: counter.weight(item),
                count: ground.counts[item as usize],
            });
            if ground.passes(counter, seed, item) {
                let last = bench.row.len() - 1;
                bench.row.swap(behind_gate, last);
                behind_gate += 1;
            }
        }
        behind_gate
    }
}

impl Bench {
    /// The share of relevant products in the best places of the first `stands` of the row, where `pull` is what each
    /// basket of a companion adds; those who are level at the border share its places.
    fn recall(&mut self, stands: usize, pull: f64) -> f64 {
        let value = |(one, damped): (&Companion, &f64)| damped + pull * f64::from(one.count);
        self.values.clear();
        let row = self.row[..stands].iter().zip(&self.damped);
        self.values.extend(row.map(value));
        let border = if stands > SERVED {
            self.sorted.clone_from(&self.values);
            *self
                .sorted
                .select_nth_unstable_by(SERVED - 1, |a, b| b.total_cmp(a))
                .1
        } else {
            0.0
        };
        let above = self.values.iter().filter(|value| **value > border).count();
        let level = self.values.iter().filter(|value| **value == border).count();
        let share = (SERVED - above.min(SERVED)) as f64 / level.max(1) as f64;
        let credit = |at: &Option<usize>| match at.and_then(|at| self.values.get(at)) {
            Some(&value) if value > border => 1.0,
            Some(&value) if value == border => share.min(1.0),
            _ => 0.0,
        };
        let hits: f64 = self.relevant.iter().map(credit).sum();
        hits / self.relevant.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(beta: f64, mu: f64, recalls: &[f64]) -> Asked {
        let setting = Setting {
            weight: BasketWeight::Power(0.5),
            beta,
            mu,
            trend: 0.0,
            season: 0.0,
            significant: true,
        };
        (setting, recalls.to_vec())
    }

    #[test]
    fn of_settings_level_with_the_best_the_one_that_pulls_least_leads() {
        let none = asked(0.1, 0.0, &[0.1, 0.1, 0.1, 0.1]);
        let some = asked(0.1, 5.0, &[0.5, 0.2, 0.5, 0.4]);
        let much = asked(0.1, 20.0, &[0.4, 0.6, 0.3, 0.4]);
        let other = asked(0.2, 0.0, &[0.4, 0.5, 0.3, 0.4]);
        assert_eq!(lead([&none, &some, &much, &other].into_iter()).0.mu, 5.0);
        assert_eq!(
            lead([&none, &much].into_iter()).0.mu,
            20.0,
            "it loses for certain"
        );
    }

    #[test]
    fn a_weight_of_its_own_has_to_gain_more_than_noise() {
        let shared = asked(0.1, 0.0, &[0.4, 0.6, 0.4, 0.6]);
        let noise = asked(0.1, 0.0, &[0.8, 0.3, 0.7, 0.3]);
        let gain = asked(0.1, 0.0, &[0.5, 0.7, 0.6, 0.7]);
        assert_eq!(better(&shared, &noise, WEIGHT_ERRORS), &shared);
        assert_eq!(better(&shared, &gain, WEIGHT_ERRORS), &gain);
    }
}
