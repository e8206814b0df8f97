//! Whether a process can do its work, and what is missing.
//!
//! One registry answers `/readyz` and gRPC health, so that they never disagree.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// The named checks of a process. It is ready when all of them are and it is not draining.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<watch::Sender<Report>>);

/// The state of all checks at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether the process is on its way out.
    pub draining: bool,
    /// By name, why a check is not ready; none if it is.
    pub checks: BTreeMap<String, Option<String>>,
}

impl Report {
    /// Whether work may be sent here.
    pub fn is_ready(&self) -> bool {
        !self.draining && self.checks.values().all(Option::is_none)
    }
}

/// One check, held by whoever knows.
#[derive(Clone, Debug)]
pub struct Check {
    name: String,
    registry: Readiness,
}

impl Readiness {
    /// A registry without checks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check that is not ready yet. The same name again is the same check.
    pub fn check(&self, name: &str) -> Check {
        let check = Check {
            name: name.to_owned(),
            registry: self.clone(),
        };
        check.not_ready("starting");
        check
    }

    /// Makes the process not ready for good: it is stopping.
    pub fn drain(&self) {
        self.0.send_modify(|report| report.draining = true);
    }

    /// All checks now.
    pub fn report(&self) -> Report {
        self.0.borrow().clone()
    }

    /// Reports as they change, the present one first.
    pub fn watch(&self) -> watch::Receiver<Report> {
        let mut receiver = self.0.subscribe();
        receiver.mark_changed();
        receiver
    }
}

impl Check {
    /// What this check stands for works.
    pub fn ready(&self) {
        self.set(None);
    }

    /// What this check stands for does not work.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(Some(reason.into()));
    }

    fn set(&self, state: Option<String>) {
        self.registry.0.send_if_modified(|report| {
            let changed = report.checks.get(&self.name) != Some(&state);
            if changed {
                report.checks.insert(self.name.clone(), state);
            }
            changed
        });
    }
}
