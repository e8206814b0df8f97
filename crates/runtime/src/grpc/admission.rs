//! How many RPCs may be in progress at once, found out as it goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// What is left of the limit after answers were too late.
const LESS: f64 = 0.7;
/// How much the limit grows with each answer in time while it is needed: an eighth per round of all calls in progress.
const MORE: f64 = 0.125;
/// The calls that were in progress when the limit fell say nothing about the new one.
const SETTLE: Duration = Duration::from_millis(50);
/// A call waits for a thread three times: until its connection is read, until it is counted, and until it is handled. Only
/// the last wait is seen, and each is as long as the others.
const UNSEEN: u32 = 2;

/// A limit that falls while admitted calls end after their deadlines, and grows again while they do not.
///
/// Under more load than can be served, calls wait for each other. If all are let in, each waits so long that its caller
/// has gone by the time of its answer, and all work is wasted. So late answers are to this limit what lost packets are to
/// TCP: a share of it is given up, and won back step by step. Those let in are answered in time, and the others are
/// refused before anything was spent on them. Late calls count only while many are in progress, so that a caller with
/// impossible deadlines and few calls changes nothing for others.
///
/// A call that never waits for anything else is over before the next one is looked at, and the crowd stands in the
/// sockets, where nobody counts it. So while work waits for threads, each call steps back once after it was counted, until
/// all that have arrived are counted too.
#[derive(Debug)]
pub(super) struct Admission {
    in_progress: AtomicUsize,
    limit: AtomicUsize,
    least: usize,
    most: usize,
    course: Mutex<Course>,
}

#[derive(Debug)]
struct Course {
    limit: f64,
    fell: Option<Instant>,
}

/// A place among the calls in progress, until dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Admission>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    pub(super) fn new(least: usize, most: usize) -> Self {
        Self {
            in_progress: AtomicUsize::new(0),
            limit: AtomicUsize::new(most),
            least: least.clamp(1, most.max(1)),
            most,
            course: Mutex::new(Course {
                limit: as_f64(most),
                fell: None,
            }),
        }
    }

    /// A place, if there is one.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Place> {
        let before = self.in_progress.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(self));
        (before < self.limit()).then_some(place)
    }

    /// How many may be in progress.
    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// How many are.
    pub(super) fn in_progress(&self) -> usize {
        self.in_progress.load(Ordering::Relaxed)
    }

    /// An admitted call ended before its deadline.
    pub(super) fn in_time(&self) {
        let limit = self.limit();
        if limit < self.most && self.is_needed(limit) {
            self.steer(|course| course.limit + MORE, None);
        }
    }

    /// An admitted call did not.
    pub(super) fn late(&self, now: Instant) {
        let in_progress = self.in_progress();
        if in_progress >= self.least {
            self.steer(|course| course.limit.min(as_f64(in_progress)) * LESS, Some(now));
        }
    }

    /// Whether a call that stepped back from `arrived` to `now` will be answered too late for its deadline.
    pub(super) fn is_hopeless(arrived: Instant, now: Instant, deadline: Instant) -> bool {
        now + UNSEEN * now.duration_since(arrived) >= deadline
    }

    fn is_needed(&self, limit: usize) -> bool {
        self.in_progress() >= limit / 2
    }

    fn steer(&self, change: impl FnOnce(&Course) -> f64, fell: Option<Instant>) {
        let mut course = self.course.lock();
        if let (Some(now), Some(last)) = (fell, course.fell)
            && now.duration_since(last) < SETTLE
        {
            return;
        }
        course.limit = change(&course).clamp(as_f64(self.least), as_f64(self.most));
        course.fell = fell.or(course.fell);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between the two limits, which are whole"
        )]
        self.limit.store(course.limit as usize, Ordering::Relaxed);
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits are small")]
fn as_f64(limit: usize) -> f64 {
    limit as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(admission: &Arc<Admission>) -> Vec<Place> {
        std::iter::from_fn(|| admission.enter()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_falls_with_late_answers_once_per_while_and_not_below_the_least() {
        let admission = Arc::new(Admission::new(10, 100));
        let places = full(&admission);
        assert_eq!(places.len(), 100);
        for _ in 0..50 {
            admission.late(Instant::now());
        }
        assert_eq!(admission.limit(), 70);
        for _ in 0..20 {
            tokio::time::advance(SETTLE).await;
            admission.late(Instant::now());
        }
        assert_eq!(admission.limit(), 10);
        drop(places);
        assert_eq!(full(&admission).len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_grows_again_while_it_is_needed() {
        let admission = Arc::new(Admission::new(10, 100));
        let places = full(&admission);
        admission.late(Instant::now());
        for _ in 0..100 {
            admission.in_time();
        }
        assert_eq!(admission.limit(), 82);
        for _ in 0..1_000 {
            admission.in_time();
        }
        assert_eq!(admission.limit(), 100);
        drop(places);
    }

    #[tokio::test(start_paused = true)]
    async fn late_answers_of_few_calls_change_nothing() {
        let admission = Arc::new(Admission::new(10, 100));
        let place = admission.enter();
        admission.late(Instant::now());
        assert_eq!(admission.limit(), 100);
        drop(place);
        assert_eq!(admission.in_progress(), 0);
    }

    #[test]
    fn a_call_that_is_refused_leaves_nothing_behind() {
        let admission = Arc::new(Admission::new(1, 1));
        let place = admission.enter().unwrap();
        assert!(admission.enter().is_none());
        drop(place);
        assert!(admission.enter().is_some());
    }
}
