use rayon::prelude::*;

use super::finding::{Attempt, Finding, gain, mean, parts};
use super::split::{Draw, Parts, Split, draw};
use crate::count::{Counter, Kernel, count_sessions};
use crate::damping::damping;
use crate::facts::{Baskets, dense};
use crate::ground::Ground;
use crate::params::Viewed;
use crate::two_hop::{HopBench, hop, reach, row, shares};

const GAMMAS: [f64; 2] = [0.0, 0.5];
const REVERSES: [f64; 2] = [0.6, 1.0];
const BETAS: [f64; 2] = [0.0, 0.2];
const EPSILONS: [f64; 4] = [0.2, 0.5, 1.0, 2.0];
/// The most questions.
const MOST: usize = 20_000;
/// Two-hop is taken when it gains so many standard errors.
const ERRORS: f64 = 2.0;

/// What follows what in the sessions of the validation part: (anchor, next).
pub(super) fn questions(all: &Baskets, parts: &Parts, counts: &[u32]) -> Vec<(u32, u32)> {
    let mut drawn: Vec<(u64, (u32, u32))> = Vec::new();
    for &session in &parts.held {
        let steps = all.items(session).windows(2);
        let known = steps.filter(|step| step.iter().all(|&item| counts[item as usize] > 0));
        drawn.extend(known.map(|step| (draw(session, Draw::Sample), (step[0], step[1]))));
    }
    drawn.sort_by_key(|one| one.0);
    drawn.truncate(MOST);
    drawn.into_iter().map(|one| one.1).collect()
}

/// Where the questions are asked.
pub(super) struct Hall<'a> {
    pub(super) ground: &'a Ground<'a>,
    pub(super) sessions: &'a Baskets,
    pub(super) questions: &'a [(u32, u32)],
    pub(super) split: Split,
    pub(super) cap: usize,
    pub(super) least: u32,
}

/// Tries the grid of co-views, then two-hop on top of its choice.
pub(super) fn fit(hall: &Hall<'_>, start: &Viewed) -> (Viewed, [Finding; 2]) {
    let near = Viewed {
        two_hop: 0.0,
        ..start.clone()
    };
    let before = hall.ask(&near);
    let mut best = (near, before.clone());
    for gamma in GAMMAS {
        for reverse in REVERSES {
            for beta in BETAS {
                let tried = Viewed {
                    gamma,
                    reverse,
                    beta,
                    ..best.0.clone()
                };
                let after = hall.ask(&tried);
                if mean(&after) > mean(&best.1) {
                    best = (tried, after);
                }
            }
        }
    }
    let (viewed, closed) = best;
    let verdict = format!("γ {}, ρ {}, β {}", viewed.gamma, viewed.reverse, viewed.beta);
    let first = hall.finding(Attempt::AlsoViewed, &before, &closed, verdict);
    let (viewed, second) = hall.hop(viewed, &closed);
    (viewed, [first, second])
}

impl Hall<'_> {
    fn finding(&self, attempt: Attempt, before: &[f64], after: &[f64], verdict: String) -> Finding {
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

    fn damping(&self, viewed: &Viewed) -> Vec<f64> {
        let of = |&count: &u32| damping(count, viewed.lambda, viewed.beta);
        self.ground.counts.iter().map(of).collect()
    }

    /// By question, HR@20 + MRR@20.
    fn ask(&self, viewed: &Viewed) -> Vec<f64> {
        let kernel = Kernel::new(viewed, self.cap);
        let damping = self.damping(viewed);
        self.questions
            .par_iter()
            .map_init(
                || Counter::new(self.ground.products()),
                |counter, &(anchor, next)| {
                    counter.clear();
                    count_sessions(counter, anchor, self.sessions, &kernel);
                    let row = row(self.ground, counter, anchor, &damping, self.least);
                    measure(row.into_iter(), next)
                },
            )
            .collect()
    }

    fn hop(&self, viewed: Viewed, closed: &[f64]) -> (Viewed, Finding) {
        let kernel = Kernel::new(&viewed, self.cap);
        let shares = shares(
            self.ground,
            self.sessions,
            &kernel,
            &self.damping(&viewed),
            self.least,
        );
        let measures: Vec<Vec<f64>> = self
            .questions
            .par_iter()
            .map_init(
                || HopBench::new(self.ground.products()),
                |bench, &(anchor, next)| {
                    let far = hop(&shares, anchor, bench);
                    let near = &shares[anchor as usize];
                    let list = |epsilon| reach(near, &far, epsilon).into_iter().map(|one| (one.0, one.1));
                    EPSILONS
                        .iter()
                        .map(|&epsilon| measure(list(epsilon), next))
                        .collect()
                },
            )
            .collect();
        let of = |at: usize| -> Vec<f64> { measures.iter().map(|question| question[at]).collect() };
        let best = (0..EPSILONS.len()).fold(
            0,
            |best, at| {
                if mean(&of(at)) > mean(&of(best)) { at } else { best }
            },
        );
        let (epsilon, after) = (EPSILONS[best], of(best));
        let gain = gain(closed, &after);
        let (two_hop, verdict) = if gain.mean > ERRORS * gain.error {
            (epsilon, format!("ε {epsilon}"))
        } else {
            (0.0, "off: the gain is within 2 standard errors".to_owned())
        };
        let finding = self.finding(Attempt::TwoHop, closed, &after, verdict);
        (Viewed { two_hop, ..viewed }, finding)
    }
}

/// HR@20 + MRR@20 of one list; whoever is level with others takes the middle of their places.
fn measure(row: impl Iterator<Item = (u32, f64)> + Clone, next: u32) -> f64 {
    let Some((_, own)) = row.clone().find(|one| one.0 == next) else {
        return 0.0;
    };
    let above = row.clone().filter(|one| one.1 > own).count();
    let level = row.filter(|one| one.1 == own).count();
    let rank = 1.0 + above as f64 + (level - 1) as f64 / 2.0;
    if rank <= 20.0 { 1.0 + 1.0 / rank } else { 0.0 }
}
