use super::{Counter, fixed, generated_flag, most_recent};
use crate::facts::Baskets;
use crate::params::Viewed;

/// Fixed-point weights by session length, direction and distance.
#[derive(Debug)]
pub(crate) struct Kernel {
    window: usize,
    /// By length, then distance − 1.
    forward: Vec<u64>,
    reverse: Vec<u64>,
    cap: usize,
}

impl Kernel {
    pub(crate) fn new(params: &Viewed, cap: usize) -> Self {
        let window = params.window.max(1);
        let table = |direction: f64| -> Vec<u64> {
            let weight = |length: usize, distance: usize| {
                direction * (length.max(1) as f64).powf(-params.gamma) / (distance as f64).sqrt()
            };
            let lengths = 0..=cap;
            lengths
                .flat_map(|length| (1..=window).map(move |d| fixed(weight(length, d))))
                .collect()
        };
        Self {
            window,
            forward: table(1.0),
            reverse: table(params.reverse),
            cap,
        }
    }

    fn row<'a>(&self, table: &'a [u64], length: usize) -> &'a [u64] {
        let start = length.min(self.cap) * self.window;
        &table[start..start + self.window]
    }
}

/// Counts what was viewed within the window of the anchor: fully after it, less before it.
pub(crate) fn count_sessions(counter: &mut Counter, anchor: u32, sessions: &Baskets, kernel: &Kernel) {
    let of = most_recent(sessions.of(anchor));
    let places = &sessions.places(anchor)[sessions.of(anchor).len() - of.len()..];
    for (&session, &place) in of.iter().zip(places) {
        let items = sessions.items(session);
        let flag = generated_flag(sessions.is_generated(session));
        let place = usize::from(place);
        let (before, after) = (&items[..place], &items[place + 1..]);
        let forward = kernel.row(&kernel.forward, items.len());
        let reverse = kernel.row(&kernel.reverse, items.len());
        let Some(halvings) = sessions.halvings(session) else {
            for (&item, &weight) in after.iter().zip(forward) {
                counter.add(item, weight, flag);
            }
            for (&item, &weight) in before.iter().rev().zip(reverse) {
                counter.add(item, weight, flag);
            }
            continue;
        };
        let own = halvings.clone().nth(place).unwrap_or(0);
        let after = after.iter().zip(halvings.clone().skip(place + 1));
        for ((&item, halvings), &weight) in after.zip(forward) {
            counter.add(item, weight >> own.max(halvings), flag);
        }
        let before = before.iter().zip(halvings.take(place)).rev();
        for ((&item, halvings), &weight) in before.zip(reverse) {
            counter.add(item, weight >> own.max(halvings), flag);
        }
    }
}
