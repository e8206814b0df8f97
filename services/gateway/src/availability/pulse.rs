//! How old a view of stock is: its own monotonic time since the feed's counter last moved.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The age of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// Time since the last sign of life; since the start while there was none.
    pub elapsed: Duration,
    /// Whether there ever was a sign of life.
    pub alive: bool,
}

impl Age {
    /// Whether the view is older than `limit`. One that never lived always is.
    #[must_use]
    pub fn exceeds(&self, limit: Duration) -> bool {
        !self.alive || self.elapsed > limit
    }
}

/// Listens to the heartbeat. Only a counter that moves is a sign of life: a repeated one proves nothing.
#[derive(Debug)]
pub struct Pulse(Mutex<State>);

#[derive(Debug)]
struct State {
    since: Instant,
    counter: Option<u64>,
    trusted: bool,
    alive: bool,
}

impl Pulse {
    /// Starts to listen at `now`.
    #[must_use]
    pub fn starting(now: Instant) -> Self {
        Self(Mutex::new(State {
            since: now,
            counter: None,
            trusted: false,
            alive: false,
        }))
    }

    /// The view and the feed belong together again: signs of life count from here on.
    pub fn trust(&self) {
        self.0.lock().trusted = true;
    }

    /// The view may have missed something, so that signs of life say nothing of it.
    pub fn distrust(&self) {
        self.0.lock().trusted = false;
    }

    /// The feed said `counter` at `now`.
    pub fn beat(&self, counter: u64, now: Instant) {
        let mut state = self.0.lock();
        if state.trusted && state.counter != Some(counter) {
            state.counter = Some(counter);
            state.since = now;
            state.alive = true;
        }
    }

    /// The age at `now`.
    #[must_use]
    pub fn age(&self, now: Instant) -> Age {
        let state = self.0.lock();
        Age {
            elapsed: now.saturating_duration_since(state.since),
            alive: state.alive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_view_that_never_heard_a_beat_exceeds_every_limit() {
        let start = Instant::now();
        let pulse = Pulse::starting(start);
        pulse.trust();
        assert!(pulse.age(start).exceeds(SECOND));
        pulse.beat(1, start + SECOND);
        assert!(!pulse.age(start + 2 * SECOND).exceeds(SECOND));
        assert!(pulse.age(start + 3 * SECOND).exceeds(SECOND));
    }

    #[test]
    fn a_repeated_counter_is_no_sign_of_life_and_a_lower_one_is() {
        let start = Instant::now();
        let pulse = Pulse::starting(start);
        pulse.trust();
        pulse.beat(7, start);
        pulse.beat(7, start + SECOND);
        assert_eq!(pulse.age(start + SECOND).elapsed, SECOND);
        pulse.beat(3, start + SECOND);
        assert_eq!(
            pulse.age(start + SECOND).elapsed,
            Duration::ZERO,
            "SQL was restored"
        );
    }

    #[test]
    fn beats_say_nothing_of_a_view_that_may_have_missed_something() {
        let start = Instant::now();
        let pulse = Pulse::starting(start);
        pulse.trust();
        pulse.beat(1, start);
        pulse.distrust();
        pulse.beat(2, start + SECOND);
        assert_eq!(pulse.age(start + SECOND).elapsed, SECOND);
        pulse.trust();
        pulse.beat(3, start + 2 * SECOND);
        assert_eq!(pulse.age(start + 2 * SECOND).elapsed, Duration::ZERO);
    }
}
