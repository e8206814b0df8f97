use rayon::prelude::*;

use super::basket::{Court, weights};
use super::border::Border;
use super::finding::{Attempt, Finding, gain, mean};
use super::query::Query;
use super::split::Split;
use crate::count::{self, Counter};
use crate::damping::damping;
use crate::epoch::season_factor;
use crate::facts::dense;
use crate::ground::Ground;
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
    // That of `basket_score` first: under it a row is counted once.
    let weights = weights(start.weight);
    let grids = weights.iter().flat_map(|&weight| grid(Setting { weight, ..own }));
    let mut first = hall.ask(&std::iter::once(own).chain(grids).collect::<Vec<_>>());
    let before = first.remove(0);
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
    let second = hall.ask(&trends.iter().map(with).collect::<Vec<_>>());
    let second = best(std::iter::once(&before).chain(&second));
    let seasons = if sales.lifts.is_empty() { &[][..] } else { &SEASONS };
    let with = |&season: &f64| Setting { season, ..second.0 };
    let third = hall.ask(&seasons.iter().map(with).collect::<Vec<_>>());
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

/// (basket, seed), by seed: more seeds of a basket where baskets are few.
fn questions<'a>(court: &Court<'a>) -> Vec<(&'a Query, u32)> {
    let sampled = || court.queries.iter().filter(|query| query.sampled);
    let seeds = QUESTIONS.div_ceil(sampled().count().max(1));
    let mut questions: Vec<(&Query, u32)> = sampled()
        .flat_map(|query| query.seeds.iter().take(seeds).map(move |&seed| (query, seed)))
        .collect();
    questions.sort_by_key(|one| one.1);
    questions
}

/// Where the seeds ask.
struct Hall<'a> {
    court: &'a Court<'a>,
    lambda: f64,
    sales: &'a Sales,
    questions: Vec<(&'a Query, u32)>,
}

/// What decides everything in a value but the pull towards popular companions: tabulated once, for all of its settings.
struct Form {
    /// Index of the basket weight.
    weight: usize,
    beta: f64,
    trend: f64,
    season: f64,
    /// (n_j + λ)^-β by n_j: counts are few, products many.
    damping: Vec<f64>,
    /// Trend and season, by product.
    factors: Vec<f64>,
}

/// Settings that the gate alone tells apart: a row with the gate open begins with the row behind it.
struct Twins {
    form: usize,
    mu: f64,
    /// Their numbers, with the gate shut and open.
    shut: Vec<usize>,
    open: Vec<usize>,
}

/// Some settings, ready to be asked.
struct Panel {
    /// By basket weight, the fixed-point weights by size.
    sizes: Vec<Vec<u64>>,
    /// Each once, those of one basket weight together.
    forms: Vec<Form>,
    twins: Vec<Twins>,
    /// How many settings there are.
    settings: usize,
}

/// Scratch of one worker.
struct Bench {
    counter: Counter,
    row: SeedRow,
    /// Trend and season of whoever stands in the row, and which ones those are.
    factors: Vec<f64>,
    factors_of: Option<[f64; 2]>,
    damped: Vec<f64>,
    border: Border,
    /// By question, where the relevant products stand in the row.
    relevant: Vec<Vec<Option<u32>>>,
}

/// Everybody who has enough support beside a seed, those whom no gate can refuse first.
struct SeedRow {
    items: Vec<u32>,
    counts: Vec<u32>,
    weights: Vec<f64>,
    /// How many no gate can refuse.
    behind_gate: usize,
    /// Room for the others, with their counts.
    others: Vec<(u32, u32)>,
    /// By product, the place of those who stand in the row; void for all others.
    place: Vec<u32>,
}

impl Hall<'_> {
    /// Every question under every setting; a row is counted once for two basket weights and all questions from its seed.
    fn ask(&self, settings: &[Setting]) -> Vec<Asked> {
        let panel = self.panel(settings);
        let of_one_seed: Vec<&[(&Query, u32)]> = self.questions.chunk_by(|a, b| a.1 == b.1).collect();
        let measures: Vec<Vec<Vec<f64>>> = of_one_seed
            .par_iter()
            .map_init(
                || Bench::new(self.court.ground.products()),
                |bench, questions| self.recalls(bench, questions, &panel),
            )
            .collect();
        let of = |(at, &setting): (usize, &Setting)| {
            let values = measures.iter().flat_map(|of_seed| &of_seed[at]);
            (setting, values.copied().collect())
        };
        settings.iter().enumerate().map(of).collect()
    }

    fn panel(&self, settings: &[Setting]) -> Panel {
        let counts = &self.court.ground.counts;
        let most = counts.iter().max().copied().unwrap_or(0);
        let mut weights: Vec<BasketWeight> = Vec::new();
        let mut forms: Vec<Form> = Vec::new();
        let mut twins: Vec<Twins> = Vec::new();
        for (number, setting) in settings.iter().enumerate() {
            let weight = place_or_push(
                &mut weights,
                |weight| *weight == setting.weight,
                || setting.weight,
            );
            let is_of = |form: &Form| {
                form.weight == weight
                    && form.beta == setting.beta
                    && form.trend == setting.trend
                    && form.season == setting.season
            };
            let form = || Form {
                weight,
                beta: setting.beta,
                trend: setting.trend,
                season: setting.season,
                damping: (0..=most)
                    .map(|count| damping(count, self.lambda, setting.beta))
                    .collect(),
                factors: self.factors(setting),
            };
            let form = place_or_push(&mut forms, is_of, form);
            let new = || Twins {
                form,
                mu: setting.mu,
                shut: Vec::new(),
                open: Vec::new(),
            };
            let is_twin = |twins: &Twins| twins.form == form && twins.mu == setting.mu;
            let at = place_or_push(&mut twins, is_twin, new);
            let own = if setting.significant {
                &mut twins[at].shut
            } else {
                &mut twins[at].open
            };
            own.push(number);
        }
        let cap = self.court.cap;
        let sizes = weights
            .iter()
            .map(|weight| count::weights(cap, |size| weight.of(size)));
        Panel {
            sizes: sizes.collect(),
            forms,
            twins,
            settings: settings.len(),
        }
    }

    fn factors(&self, setting: &Setting) -> Vec<f64> {
        let Sales { ratios, lifts } = self.sales;
        let mut factors: Vec<f64> = ratios.iter().map(|ratio| ratio.powf(setting.trend)).collect();
        for (factor, &lift) in factors.iter_mut().zip(lifts) {
            *factor *= season_factor(setting.season, lift);
        }
        factors
    }

    /// The questions from one seed under every setting: by setting, then by question.
    fn recalls(&self, bench: &mut Bench, questions: &[(&Query, u32)], panel: &Panel) -> Vec<Vec<f64>> {
        let (ground, seed) = (self.court.ground, questions[0].1);
        let mut recalls = vec![Vec::new(); panel.settings];
        for (pair, sizes) in panel.sizes.chunks(2).enumerate() {
            bench.counter.clear();
            match sizes {
                [first, second] => bench.counter.count_both(seed, ground.baskets, first, second),
                _ => bench.counter.count(seed, ground.baskets, &sizes[0]),
            }
            if pair == 0 {
                bench.row.fill(ground, &bench.counter, seed);
                bench.border.forget();
                bench.factors_of = None;
                let find = |item| bench.row.find(ground, &bench.counter, seed, item);
                let relevant = questions
                    .iter()
                    .map(|one| one.0.relevant(seed).map(find).collect());
                bench.relevant.clear();
                bench.relevant.extend(relevant);
            }
            bench.row.weigh(|item| bench.counter.weight(item));
            self.weighed(bench, 2 * pair, panel, &mut recalls);
            if sizes.len() > 1 {
                bench.row.weigh(|item| bench.counter.single_weight(item));
                self.weighed(bench, 2 * pair + 1, panel, &mut recalls);
            }
        }
        recalls
    }

    /// The settings of one basket weight.
    fn weighed(&self, bench: &mut Bench, weight: usize, panel: &Panel, recalls: &mut [Vec<f64>]) {
        let share = 1.0 / f64::from(dense(self.court.ground.baskets.len()).max(1));
        for (at, form) in panel.forms.iter().enumerate() {
            if form.weight != weight {
                continue;
            }
            bench.damp(form);
            for twins in panel.twins.iter().filter(|twins| twins.form == at) {
                bench.recalls(twins, twins.mu * share, recalls);
            }
        }
    }
}

/// The place of the one that is meant, which is put last where there is none.
fn place_or_push<T>(list: &mut Vec<T>, is_meant: impl FnMut(&T) -> bool, new: impl FnOnce() -> T) -> usize {
    list.iter().position(is_meant).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    })
}

impl SeedRow {
    fn new(products: usize) -> Self {
        Self {
            items: Vec::new(),
            counts: Vec::new(),
            weights: Vec::new(),
            behind_gate: 0,
            others: Vec::new(),
            place: vec![0; products],
        }
    }

    fn fill(&mut self, ground: &Ground<'_>, counter: &Counter, seed: u32) {
        let (gate, touched) = (ground.gate(seed), counter.touched());
        self.items.resize(touched.len(), 0);
        self.counts.resize(touched.len(), 0);
        self.others.resize(touched.len(), (0, 0));
        let (mut many, mut others) = (0, 0);
        for &item in touched {
            let (support, count) = (counter.support(item), ground.counts[item as usize]);
            let stands = ground.is_companion(seed, item) & gate.is_supported(support);
            let passes = gate.passes(support, count);
            (self.items[many], self.counts[many]) = (item, count);
            many += usize::from(stands & passes);
            self.others[others] = (item, count);
            others += usize::from(stands & !passes);
        }
        self.behind_gate = many;
        self.items.truncate(many);
        self.counts.truncate(many);
        self.items.extend(self.others[..others].iter().map(|one| one.0));
        self.counts.extend(self.others[..others].iter().map(|one| one.1));
        for (place, &item) in (0..).zip(&self.items) {
            self.place[item as usize] = place;
        }
    }

    /// Where a product stands in the row; `None` where it does not.
    fn find(&self, ground: &Ground<'_>, counter: &Counter, seed: u32, item: u32) -> Option<u32> {
        let stands = ground.is_companion(seed, item) && ground.gate(seed).is_supported(counter.support(item));
        stands.then(|| self.place[item as usize])
    }

    fn weigh(&mut self, weight: impl Fn(u32) -> f64) {
        self.weights.clear();
        self.weights.extend(self.items.iter().map(|&item| weight(item)));
    }
}

impl Bench {
    fn new(products: usize) -> Self {
        Self {
            counter: Counter::new(products),
            row: SeedRow::new(products),
            factors: Vec::new(),
            factors_of: None,
            damped: Vec::new(),
            border: Border::default(),
            relevant: Vec::new(),
        }
    }

    fn damp(&mut self, form: &Form) {
        let factors_of = Some([form.trend, form.season]);
        if self.factors_of != factors_of {
            self.factors_of = factors_of;
            self.factors.clear();
            let factors = self.row.items.iter().map(|&item| form.factors[item as usize]);
            self.factors.extend(factors);
        }
        let row = self.row.counts.iter().zip(&self.row.weights).zip(&self.factors);
        self.damped.clear();
        let damped = row.map(|((&count, &weight), &factor)| weight * form.damping[count as usize] * factor);
        self.damped.extend(damped);
    }

    /// What two settings recall, where `pull` is what each basket of a companion adds.
    fn recalls(&mut self, twins: &Twins, pull: f64, recalls: &mut [Vec<f64>]) {
        let Self {
            row,
            damped,
            border,
            relevant,
            ..
        } = self;
        let value = |at: u32| damped[at as usize] + pull * f64::from(row.counts[at as usize]);
        let (behind_gate, all) = (dense(row.behind_gate), dense(row.items.len()));
        let least = border.find(SERVED, 0..behind_gate, value);
        let found = recall(relevant, behind_gate, (least, border.above(least)), value);
        twins.shut.iter().for_each(|&at| recalls[at].clone_from(&found));
        if !twins.open.is_empty() {
            let least = border.extend(SERVED, behind_gate..all, value);
            let found = recall(relevant, all, (least, border.above(least)), value);
            twins.open.iter().for_each(|&at| recalls[at].clone_from(&found));
        }
    }
}

/// By question, the share of relevant products in the best places of the first `stands` of a row; those who are level at
/// the border share the places that those above it leave.
fn recall(
    relevant: &[Vec<Option<u32>>],
    stands: u32,
    (border, above): (f64, usize),
    value: impl Fn(u32) -> f64,
) -> Vec<f64> {
    let share = || {
        let level = (0..stands).filter(|&at| value(at) == border).count();
        (SERVED - above) as f64 / level as f64
    };
    let credit = |at: &Option<u32>| match at.filter(|&at| at < stands).map(&value) {
        Some(value) if value > border => 1.0,
        Some(value) if value == border => share(),
        _ => 0.0,
    };
    let recall = |relevant: &Vec<Option<u32>>| {
        let hits: f64 = relevant.iter().map(credit).sum();
        hits / relevant.len() as f64
    };
    relevant.iter().map(recall).collect()
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
