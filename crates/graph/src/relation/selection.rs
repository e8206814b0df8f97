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

/// Tells who may be among the best while candidates stream by; scratch of one worker.
#[derive(Debug)]
pub(crate) struct Selection {
    by_score: Best,
    by_vote: Best,
    passed: u32,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            by_score: Best::of(BY_SCORE),
            by_vote: Best::of(STORED_COMPANIONS),
            passed: 0,
        }
    }
}

impl Selection {
    /// Begins with nobody.
    pub(super) fn begin(&mut self) {
        self.by_score.clear();
        self.by_vote.clear();
        self.passed = 0;
    }

    /// The candidate's keys, where it may be among the best.
    #[inline]
    pub(crate) fn offer(
        &mut self,
        standing: &Standing,
        (item, score, vote): (u32, f32, f32),
    ) -> Option<Keys> {
        self.passed += 1;
        if !self.by_score.admits(score) && !self.by_vote.admits(vote) {
            return None;
        }
        let keys = Keys {
            by_score: standing.key(score, item),
            by_vote: standing.key(vote, item),
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

/// Tells whom a list stores; scratch of one worker.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    /// The key by score of every candidate, and its place.
    order: Vec<(u64, u32)>,
    votes: Vec<u64>,
}

impl Ranking {
    /// Whom a list stores, best first: the best by score, and of the others the best by vote.
    pub(super) fn best<'r, T>(
        &'r mut self,
        all: &'r [T],
        keys: impl Fn(&T) -> Keys,
    ) -> impl ExactSizeIterator<Item = &'r T> {
        let Self { order, votes } = self;
        order.clear();
        order.extend(all.iter().map(|one| keys(one).by_score).zip(0..));
        order.sort_unstable_by_key(|one| Reverse(one.0));
        if order.len() > STORED_COMPANIONS {
            let vote = |one: &(u64, u32)| keys(&all[one.1 as usize]).by_vote;
            votes.clear();
            votes.extend(order[BY_SCORE..].iter().map(vote));
            let below = votes.len() - (STORED_COMPANIONS - BY_SCORE);
            let least = *votes.select_nth_unstable(below).1;
            let mut place = 0;
            order.retain(|one| {
                place += 1;
                place <= BY_SCORE || vote(one) >= least
            });
        }
        order.iter().map(|one| &all[one.1 as usize])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_has_the_best_by_score_and_of_the_others_the_best_by_vote(
            keys in proptest::collection::hash_map(1..1000_u64, 1..1000_u64, 0..120),
        ) {
            // Keys of different products are never the same.
            let all: Vec<Keys> = keys
                .iter()
                .map(|(&score, &vote)| Keys { by_score: score, by_vote: vote << 32 | score })
                .collect();
            let mut left = all.clone();
            left.sort_by_key(|one| Reverse(one.by_score));
            let mut sorted: Vec<Keys> = left.drain(..left.len().min(BY_SCORE)).collect();
            left.sort_by_key(|one| Reverse(one.by_vote));
            sorted.extend(left.into_iter().take(STORED_COMPANIONS - BY_SCORE));
            sorted.sort_by_key(|one| Reverse(one.by_score));
            let mut ranking = Ranking::default();
            // Whatever was ranked before.
            ranking.best(&all[all.len() / 2..], |one| *one).count();
            let best: Vec<u64> = ranking.best(&all, |one| *one).map(|one| one.by_score).collect();
            let sorted: Vec<u64> = sorted.iter().map(|one| one.by_score).collect();
            prop_assert_eq!(best, sorted);
        }
    }
}
