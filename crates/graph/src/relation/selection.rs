use tandem_domain::edge::STORED_COMPANIONS;

use crate::facts::dense;
use crate::rank::{Best, Standing, is_same_item};

/// Places of a list that go by `score`; the rest go by `basket_score`.
pub(super) const BY_SCORE: usize = 20;

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

    /// The chosen, in no particular order, and how many passed but found no place.
    pub(crate) fn finish(mut self) -> (Vec<u32>, u32) {
        let item = |&key: &u64| self.standing.item(key);
        let listed: Vec<u64> = self.by_score.best().to_vec();
        // Of all the listed, whichever it is: a look at all of them at once takes less than one at a time until it is found.
        let is_new = |key| {
            !listed
                .iter()
                .fold(false, |is_it, &one| is_it | is_same_item(one, key))
        };
        let voted = self.by_vote.best_of(STORED_COMPANIONS - listed.len(), is_new);
        let items: Vec<u32> = listed.iter().chain(&voted).map(item).collect();
        let left_out = self.passed - dense(items.len());
        (items, left_out)
    }
}
