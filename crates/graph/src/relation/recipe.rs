use tandem_domain::edge::{GateCounts, STORED_COMPANIONS, Source};

use super::candidate::{Candidate, Gathering};
use super::diversity::Spread;
use super::funnel::{Refusals, STEP};
use super::gate::Habits;
use super::judge::{Judge, Passed, Seen};
use super::selection::{BY_SCORE, Bounds, Keys, Ranking, Selection};
use crate::damping::{damping, raised};
use crate::facts::dense;
use crate::rank::{Standing, stored};
use crate::row::{Chosen, Row};
use crate::signals::{Input, Recipe};

/// Whom a gated relation stores, best first, and why others are not among them, where that is asked.
pub(crate) fn gated(
    row: &Row<'_>,
    recipe: &Recipe,
    (gathering, seats): (&mut Gathering, &mut Seats),
    refusals: Refusals,
) -> (Vec<Chosen>, GateCounts) {
    let habits = Habits::of(row, recipe);
    let refused = GateCounts {
        category: gathering.gather(row, recipe, &habits),
        ..GateCounts::default()
    };
    let judge = Judge::new(row, recipe, habits, gathering);
    seats.selection.begin();
    seats.passed.clear();
    let mut hearing = Hearing {
        judge: &judge,
        standing: &row.frame.standing,
        seats,
        refused,
    };
    let candidates = gathering.candidates();
    if refusals == Refusals::Unasked && candidates.len() > FEW {
        hearing.hear_promising(candidates);
    } else {
        hearing.hear_all(candidates);
    }
    let Hearing {
        seats, mut refused, ..
    } = hearing;
    let best = seats.ranking.best(&seats.passed, |one| one.keys);
    let mut places = row.frame.epoch.params.cold_start.stored;
    let stays = |one: &&Ranked| {
        // Those that rest on attributes alone are many and say little: the best of them will do.
        let is_learned = judge.source(&one.one) == Source::Learned;
        let stays = is_learned || places > 0;
        places -= usize::from(stays && !is_learned);
        stays
    };
    let chosen = best.filter(stays).map(|ranked| judge.chosen(ranked.one));
    let mut chosen: Vec<Chosen> = chosen.collect();
    refused.rank = seats.selection.passed() - dense(chosen.len());
    if refusals == Refusals::Unasked {
        refused = GateCounts::default();
    }
    seats.spread.spread(row, recipe, &mut chosen);
    vote_in_size(row, recipe, &mut chosen);
    (chosen, refused)
}

/// Of no more than so many, each is sooner judged than bounded.
const FEW: usize = 2 * STORED_COMPANIONS;
/// Of so many the first ones to be judged are chosen: their values tell who of all others needs a closer look.
const CROWD: usize = 256;

/// The candidates of one row before their judge.
struct Hearing<'h> {
    judge: &'h Judge<'h>,
    standing: &'h Standing,
    seats: &'h mut Seats,
    refused: GateCounts,
}

/// Scratch of one worker.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    /// Whom something vouches for.
    near: Vec<Seen>,
    /// Whoever passed and may have been chosen.
    passed: Vec<Ranked>,
    /// The first candidates, and what each is worth at most.
    crowd: Vec<(Candidate, Bounds)>,
    /// Who may be among the best.
    waiting: Vec<Candidate>,
    selection: Selection,
    ranking: Ranking,
    spread: Spread,
}

/// Somebody who passed and where it stands.
#[derive(Debug, Clone, Copy)]
struct Ranked {
    keys: Keys,
    one: Passed,
}

impl Hearing<'_> {
    /// Judges all of these.
    fn hear_all(&mut self, all: &[Candidate]) {
        all.chunks(STEP).for_each(|some| self.hear(some));
    }

    /// Judges whoever may be among the best: of a crowd those who may be worth most, and then whoever may be worth no less than
    /// the best so far.
    fn hear_promising(&mut self, all: &[Candidate]) {
        let judge = self.judge;
        let mut crowd = std::mem::take(&mut self.seats.crowd);
        let mut waiting = std::mem::take(&mut self.seats.waiting);
        let (first, others) = all.split_at(all.len().min(CROWD));
        crowd.clear();
        for some in first.chunks(STEP) {
            std::hint::black_box(judge.fetch_most(some.iter().map(|one| one.item)));
            crowd.extend(some.iter().map(|one| (*one, judge.most(one))));
        }
        // Some of those who may be worth most are worth less.
        let floor = |of: fn(&Bounds) -> f32, places: usize| reached(&crowd, of, places + places / 4);
        let best = Bounds {
            score: floor(|most| most.score, BY_SCORE),
            vote: floor(|most| most.vote, STORED_COMPANIONS),
        };
        waiting.clear();
        waiting.extend(crowd.iter().filter(|one| one.1.reaches(&best)).map(|one| one.0));
        self.hear_all(&waiting);
        waiting.clear();
        let mut floors = self.seats.selection.floors();
        let is_left = |one: &&(Candidate, Bounds)| !one.1.reaches(&best) & one.1.reaches(&floors);
        waiting.extend(crowd.iter().filter(is_left).map(|one| one.0));
        let mut near = [Candidate::default(); STEP];
        for some in others.chunks(STEP) {
            let mut many = 0;
            for one in some {
                near[many] = *one;
                many += usize::from(judge.most_by_weight(one).reaches(&floors));
            }
            let near = &near[..many];
            std::hint::black_box(judge.fetch_most(near.iter().map(|one| one.item)));
            waiting.extend(near.iter().filter(|one| judge.most(one).reaches(&floors)));
            if waiting.len() >= STEP {
                self.hear_all(&waiting);
                waiting.clear();
                floors = self.seats.selection.floors();
            }
        }
        self.hear_all(&waiting);
        (self.seats.crowd, self.seats.waiting) = (crowd, waiting);
    }

    /// Judges some, few enough to be brought near together.
    fn hear(&mut self, some: &[Candidate]) {
        self.seats.near.clear();
        for &candidate in some {
            match self.judge.witness(candidate.item) {
                Ok(input) => self.seats.near.push((candidate, Some(input))),
                Err(_) if candidate.is_proposed => self.seats.near.push((candidate, None)),
                Err(refusal) => refusal.count(&mut self.refused),
            }
        }
        std::hint::black_box(self.judge.fetch(&self.seats.near));
        let Seats {
            near,
            selection,
            passed,
            ..
        } = &mut *self.seats;
        for seen in &*near {
            match self.judge.judge(seen) {
                Ok(one) if one.score > 0.0 => {
                    debug_assert!(self.judge.is_bounded(&seen.0, one), "{seen:?} {one:?}");
                    let keys = selection.offer(self.standing, (one.item, one.score, one.vote));
                    passed.extend(keys.map(|keys| Ranked { keys, one }));
                }
                Ok(_) => {}
                Err(refusal) => refusal.count(&mut self.refused),
            }
        }
    }
}

/// What so many of a crowd, which is no larger than [`CROWD`], may be worth.
fn reached(crowd: &[(Candidate, Bounds)], value: impl Fn(&Bounds) -> f32, many: usize) -> f32 {
    let mut values = [0; CROWD];
    let values = &mut values[..crowd.len()];
    for (bits, (_, most)) in values.iter_mut().zip(crowd) {
        *bits = value(most).to_bits();
    }
    let below = values.len().saturating_sub(many);
    f32::from_bits(*values.select_nth_unstable(below).1)
}

/// Puts votes in the row's own size, so that those of different anchors add up: times the largest vote of its leading
/// input, or that of one lone basket where the row has none.
fn vote_in_size(row: &Row<'_>, recipe: &Recipe, chosen: &mut [Chosen]) {
    let lead = recipe
        .weights
        .first()
        .map_or(Input::CoPurchase, |&(input, _)| input);
    let params = &row.frame.epoch.params.together;
    let largest = row.strengths().largest_vote(lead);
    let lone = row.anchor_part(lead) * damping(0, params.lambda, params.beta);
    let size = if largest > 0.0 { largest } else { lone };
    let power = if lead == Input::CoPurchase {
        params.power
    } else {
        1.0
    };
    for one in chosen {
        one.vote = stored(raised(f64::from(one.vote) * size, power));
    }
}
