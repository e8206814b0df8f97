//! What answers may say, given what was written and when.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// One report of a SKU, in the order in which they were sent.
#[derive(Debug, Clone, Copy)]
struct Write {
    units: i64,
    sent: Instant,
    acknowledged: Option<Instant>,
}

/// Units that the `n`-th report of a SKU says: in stock and sold out in turn, each time with another number, so that an
/// answer tells which report it knows.
fn units(n: usize) -> i64 {
    if n.is_multiple_of(2) {
        (n / 2 % CYCLE) as i64 + 1
    } else {
        0
    }
}

/// Counts that a gateway can tell apart: below the 255 at which they saturate.
const CYCLE: usize = 250;

/// The reports of one SKU.
#[derive(Debug, Default)]
struct History(Vec<Write>);

impl History {
    /// How long ago it was acknowledged that nothing is left, where an answer between `start` and `end` shows the SKU as
    /// buyable and no report said otherwise since.
    fn unbuyable_for(&self, start: Instant, end: Instant) -> Option<Duration> {
        let known = |write: &Write| write.acknowledged.is_some_and(|at| at <= start);
        let last = self.0.iter().rposition(known)?;
        let back = self.0[last + 1..]
            .iter()
            .any(|write| write.units > 0 && write.sent <= end);
        let said = self.0[last].acknowledged?;
        (self.0[last].units == 0 && !back).then(|| start - said)
    }

    /// The newest report that says `count` units.
    fn newest_saying(&self, count: i64) -> Option<usize> {
        self.0.iter().rposition(|write| write.units == count)
    }
}

/// The reports of all SKUs, and what each gateway showed of them last.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    histories: HashMap<usize, History>,
    shown: HashMap<(usize, usize), (usize, Instant)>,
    /// Whether the past is being replaced, so that answers may know less than before.
    goes_back: bool,
}

/// What is wrong with an item of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How long it has been known that the item cannot be bought.
    pub(crate) unbuyable: Option<Duration>,
    /// Whether an earlier answer knew a later report.
    pub(crate) regressed: bool,
}

impl Judge {
    /// A report is about to be sent; returns its number in the SKU's history and the units to say.
    pub(crate) fn send(&mut self, sku: usize, now: Instant) -> (usize, i64) {
        let history = &mut self.histories.entry(sku).or_default().0;
        let number = history.len();
        let units = units(number);
        history.push(Write {
            units,
            sent: now,
            acknowledged: None,
        });
        (number, units)
    }

    /// A report was acknowledged.
    pub(crate) fn acknowledge(&mut self, sku: usize, number: usize, now: Instant) {
        if let Some(history) = self.histories.get_mut(&sku) {
            history.0[number].acknowledged = Some(now);
        }
    }

    /// Looks at an item that `gateway` showed.
    pub(crate) fn look(
        &mut self,
        gateway: usize,
        sku: usize,
        count: u32,
        (start, end): (Instant, Instant),
    ) -> Verdict {
        let Some(history) = self.histories.get(&sku) else {
            return Verdict::default();
        };
        let mut verdict = Verdict {
            unbuyable: history.unbuyable_for(start, end),
            regressed: false,
        };
        if self.goes_back {
            return verdict;
        }
        if let Some(number) = history.newest_saying(i64::from(count)) {
            let shown = self.shown.entry((gateway, sku)).or_insert((number, end));
            verdict.regressed = start > shown.1 && number < shown.0;
            if number >= shown.0 {
                *shown = (number, end);
            }
        }
        verdict
    }

    /// Forgets what was shown and said: a restored backup is another past.
    pub(crate) fn forget(&mut self) {
        self.goes_back = true;
        self.shown.clear();
        for history in self.histories.values_mut() {
            for write in &mut history.0 {
                write.acknowledged = None;
            }
        }
    }

    /// Every gateway shows the new past by now.
    pub(crate) fn settle_past(&mut self) {
        self.goes_back = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn judge(reports: usize, begin: Instant) -> Judge {
        let mut judge = Judge::default();
        for n in 0..reports {
            let at = begin + 10 * MS * n as u32;
            let (number, _) = judge.send(0, at);
            judge.acknowledge(0, number, at + MS);
        }
        judge
    }

    #[test]
    fn what_was_sold_out_before_the_question_must_not_be_shown() {
        let begin = Instant::now();
        // Reports 0 and 1: one unit, then none; the last acknowledged after 11 ms.
        let mut judge = judge(2, begin);
        let asked = |after: u32| (begin + MS * after, begin + MS * (after + 1));
        assert_eq!(judge.look(0, 0, 1, asked(21)).unbuyable, Some(10 * MS));
        assert_eq!(judge.look(0, 0, 1, asked(5)).unbuyable, None);
        judge.send(0, begin + 40 * MS);
        assert_eq!(
            judge.look(0, 0, 1, asked(50)).unbuyable,
            None,
            "a report that nobody acknowledged may be known already"
        );
    }

    #[test]
    fn an_answer_may_not_know_less_than_one_that_ended_before_it_began() {
        let begin = Instant::now();
        let mut judge = judge(8, begin);
        let at = |after: u32| begin + MS * after;
        // 3 units is report 4, 2 units report 2.
        assert!(!judge.look(0, 0, 3, (at(100), at(110))).regressed);
        assert!(!judge.look(0, 0, 2, (at(105), at(112))).regressed, "side by side");
        assert!(judge.look(0, 0, 2, (at(120), at(121))).regressed);
        assert!(
            !judge.look(1, 0, 2, (at(120), at(121))).regressed,
            "another gateway"
        );
    }
}
