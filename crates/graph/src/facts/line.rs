use rayon::prelude::*;
use tandem_domain::clock::DAY_MS;

use super::NONE;
use super::intern::{Numbers, dense};
use super::stats::FactStats;

/// One product in one basket, while facts are being gathered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) basket: u32,
    /// Who: a user, or the group where no user is known; [`super::NONE`] where neither is.
    pub(super) visitor: u32,
    pub(super) product: u32,
    /// Units; below zero for a return.
    pub(super) units: i32,
    pub(super) time_ms: i64,
}

/// Users and groups share one space of numbers: users are even, groups odd.
pub(super) fn visitor(user: Option<u32>, group: Option<u32>) -> u32 {
    match (user, group) {
        (Some(user), _) => user.saturating_mul(2),
        (None, Some(group)) => group.saturating_mul(2).saturating_add(1),
        (None, None) => NONE,
    }
}

/// Whether a visitor is a known user.
pub(super) fn is_user(visitor: u32) -> bool {
    visitor.is_multiple_of(2)
}

/// What makes a basket of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum BasketKey {
    /// Same order, cart or session.
    Group(u32),
    /// Same user on the same UTC day, where no group is known.
    UserDay(u32, i32),
    /// Same user in the same stretch of days.
    UserStretch(u32, i64),
    /// Same visitor in the same scene.
    Visit(u32, u32),
}

/// The rows of one signal.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) keys: Numbers<BasketKey>,
    pub(super) lines: Vec<Line>,
    /// Per basket: whether a generated row is in it.
    pub(super) generated: Vec<bool>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            keys: Numbers::new(),
            lines: Vec::new(),
            generated: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, key: BasketKey, generated: bool, mut line: Line) {
        line.basket = self.keys.number(key);
        if line.basket as usize == self.generated.len() {
            self.generated.push(false);
        }
        self.generated[line.basket as usize] |= generated;
        self.lines.push(line);
    }

    /// Drops rows older than `days` before `zero_ms`. Returns stay: they take from an order whatever their age.
    pub(super) fn expire(&mut self, zero_ms: i64, days: u32, stats: &mut FactStats) {
        let oldest = zero_ms.saturating_sub(i64::from(days).saturating_mul(DAY_MS));
        let before = self.lines.len();
        self.lines.retain(|line| line.units < 0 || line.time_ms >= oldest);
        stats.expired_rows += (before - self.lines.len()) as u64;
    }
}

/// Lines brought together by a dense key: those of key `k` are `lines[offsets[k]..offsets[k + 1]]`.
#[derive(Debug)]
pub(super) struct Grouped {
    pub(super) offsets: Vec<u32>,
    pub(super) lines: Vec<Line>,
}

impl Grouped {
    pub(super) fn by(lines: &[Line], groups: usize, key: impl Fn(&Line) -> u32) -> Self {
        let mut offsets = vec![0_u32; groups + 1];
        for line in lines {
            offsets[key(line) as usize + 1] += 1;
        }
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        let mut next = offsets.clone();
        let blank = Line {
            basket: 0,
            visitor: 0,
            product: 0,
            units: 0,
            time_ms: 0,
        };
        let mut sorted = vec![blank; lines.len()];
        for line in lines {
            let slot = &mut next[key(line) as usize];
            sorted[*slot as usize] = *line;
            *slot += 1;
        }
        Self {
            offsets,
            lines: sorted,
        }
    }

    pub(super) fn groups(&self) -> usize {
        self.offsets.len() - 1
    }

    fn of(&self, group: usize) -> &[Line] {
        &self.lines[self.offsets[group] as usize..self.offsets[group + 1] as usize]
    }

    /// Runs `work` over every group, in parallel, and strings the results together in the order of groups.
    pub(super) fn map<T: Send>(&self, work: impl Fn(u32, &[Line], &mut Vec<T>) + Sync) -> Vec<T> {
        const CHUNK: usize = 4096;
        let parts: Vec<Vec<T>> = (0..self.groups().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let mut out = Vec::new();
                for group in chunk * CHUNK..((chunk + 1) * CHUNK).min(self.groups()) {
                    work(dense(group), self.of(group), &mut out);
                }
                out
            })
            .collect();
        parts.into_iter().flatten().collect()
    }
}
