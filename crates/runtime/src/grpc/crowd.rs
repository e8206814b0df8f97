//! Whether work waits for the threads of a runtime.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often the threads are asked how long work waits for them, and the wait from which they are crowded.
const PULSE: Duration = Duration::from_millis(20);
const CROWDED: Duration = Duration::from_millis(4);
/// Threads count as crowded for so many pulses after the last wait.
const CALM: u32 = 50;

/// What stands before the threads of one runtime.
#[derive(Debug, Default)]
pub(super) struct Crowd(AtomicBool);

impl Crowd {
    /// Whether a call that was counted has to step back before it is handled.
    pub(super) fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Keeps an eye on how long work waits for the threads of the runtime that polls this.
    pub(super) async fn watch(&self) -> Infallible {
        let mut calm = CALM;
        loop {
            let due = Instant::now() + PULSE;
            sleep(PULSE).await;
            let waited = Instant::now().saturating_duration_since(due);
            calm = if waited >= CROWDED {
                0
            } else {
                calm.saturating_add(1)
            };
            self.0.store(calm < CALM, Ordering::Relaxed);
        }
    }
}
