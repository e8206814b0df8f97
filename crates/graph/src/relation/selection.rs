use std::cmp::Reverse;

use tandem_domain::edge::STORED_COMPANIONS;

use crate::rank::{Best, Standing};

/// Places of a list that go by `score`; the rest go by `basket_score`.
pub(super) const BY_SCORE: usize = 20;

/// A score and a vote that bound those of others: from above, or as floors from below.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bounds {
    pub(crate) score: f32,
    pub(crate) vote: f32,
}

impl Bounds {
    /// Whether one of both reaches a floor.
    pub(crate) fn reaches(&self, floors: &Self) -> bool {
        (self.score >= floors.score) | (self.vote >= floors.vote)
    }
}

/// Where somebody stands by score and by vote: [keys](Standing::key).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) by_score: u64,
    pub(crate) by_vote: u64,
}

/// Tells who may be among the best while candidates stream by.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    standing: &'a Standing,
    by_score: Best,
    by_vote: Best,
    passed: u32,
}

impl<'a> Selection<'a> {
    pub(crate) fn new(standing: &'a Standing) -> Self {
        Self {
            standing,
            by_score: Best::of(BY_SCORE),
            by_vote: Best::of(STORED_COMPANIONS),
            passed: 0,
        }
    }

    /// The candidate's keys, where it may be among the best.
    #[inline]
    pub(crate) fn offer(&mut self, item: u32, score: f32, vote: f32) -> Option<Keys> {
        self.passed += 1;
        if !self.by_score.admits(score) && !self.by_vote.admits(vote) {
            return None;
        }
        let keys = Keys {
            by_score: self.standing.key(score, item),
            by_vote: self.standing.key(vote, item),
        };
        let by_score = self.by_score.offer(keys.by_score);
        let by_vote = self.by_vote.offer(keys.by_vote);
        (by_score || by_vote).then_some(keys)
    }

    /// The score and the vote of which whoever is still to be chosen has one at least.
    pub(crate) fn floors(&mut self) -> Bounds {
        Bounds {
            score: self.by_score.least(),
            vote: self.by_vote.least(),
        }
    }

    /// How many were offered.
    pub(crate) const fn passed(&self) -> u32 {
        self.passed
    }
}

/// Leaves whom a list stores, in no particular order: the best by score, and of the others the best by vote.
pub(crate) fn best<T>(all: &mut Vec<T>, keys: impl Fn(&T) -> Keys) {
    if all.len() > STORED_COMPANIONS {
        all.select_nth_unstable_by_key(BY_SCORE - 1, |one| Reverse(keys(one).by_score));
        let rest = STORED_COMPANIONS - BY_SCORE;
        all[BY_SCORE..].select_nth_unstable_by_key(rest - 1, |one| Reverse(keys(one).by_vote));
        all.truncate(STORED_COMPANIONS);
    }
}
