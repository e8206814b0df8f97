use tandem_domain::edge::STORED_COMPANIONS;

use crate::facts::dense;
use crate::rank::{Best, Standing};

/// Places of a list that go by `score`; the rest go by `basket_score`.
const BY_SCORE: usize = 20;

/// Chooses whom a list stores while candidates stream by.
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

    /// Whether the candidate may be among the best.
    #[inline]
    pub(crate) fn offer(&mut self, item: u32, score: f32, vote: f32) -> bool {
        self.passed += 1;
        let by_score = self.by_score.admits(score) && self.by_score.offer(self.standing.key(score, item));
        let by_vote = self.by_vote.admits(vote) && self.by_vote.offer(self.standing.key(vote, item));
        by_score || by_vote
    }

    /// The score and the vote below which nobody gets in; 0 until so many were offered.
    pub(crate) fn floors(&self) -> (f32, f32) {
        (self.by_score.floor(), self.by_vote.floor())
    }

    /// The chosen, and how many passed but found no place.
    pub(crate) fn finish(mut self) -> (Vec<u32>, u32) {
        let mut items: Vec<u32> = self
            .by_score
            .take()
            .into_iter()
            .map(|key| self.standing.item(key))
            .collect();
        for key in self.by_vote.take() {
            let item = self.standing.item(key);
            if items.len() < STORED_COMPANIONS && !items.contains(&item) {
                items.push(item);
            }
        }
        let left_out = self.passed - dense(items.len());
        (items, left_out)
    }
}
