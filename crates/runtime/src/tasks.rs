//! Background work that the shutdown knows of.
//!
//! An untracked task outlives the shutdown or dies unseen; here every task has a name, a panic is caught
//! and logged, and the process waits for all of them before it ends.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures::FutureExt as _;
use tokio_util::task::TaskTracker;

use crate::BoxError;
use crate::backoff::chain;
use crate::lifecycle::Shutdown;
use crate::panics;

/// Where a process starts its background work. Clones share one set of tasks.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: Shutdown,
    failure: Arc<OnceLock<TaskFailed>>,
}

/// A critical task ended in failure.
#[derive(Clone, Debug, thiserror::Error)]
#[error("task {name} failed: {cause}")]
pub struct TaskFailed {
    /// The task's name.
    pub name: String,
    /// Its error or panic.
    pub cause: String,
}

impl Tasks {
    /// An empty set of tasks; a critical one that fails asks for this shutdown.
    pub fn new(shutdown: Shutdown) -> Self {
        Self {
            tracker: TaskTracker::new(),
            shutdown,
            failure: Arc::default(),
        }
    }

    /// Starts a task that the process can live without. A panic is logged.
    ///
    /// It must end when the shutdown is soft.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(async move {
            if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
                tracing::error!(
                    task.name = name,
                    panic.message = panics::message(&*panic),
                    "task panicked"
                );
            }
        });
    }

    /// Starts a task that the process cannot live without: an error or a panic stops the process.
    ///
    /// It must end when the shutdown is soft.
    pub fn spawn_critical<E: Into<BoxError>>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let tasks = self.clone();
        self.tracker.spawn(async move {
            let cause = match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => chain(error.into().as_ref()),
                Err(panic) => format!("panicked: {}", panics::message(&*panic)),
            };
            tasks.fail(TaskFailed {
                name: name.to_owned(),
                cause,
            });
        });
    }

    /// The first critical task that failed, if one did.
    pub fn failure(&self) -> Option<&TaskFailed> {
        self.failure.get()
    }

    /// How many tasks run.
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Waits until all tasks have ended.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn fail(&self, failure: TaskFailed) {
        tracing::error!(
            task.name = failure.name,
            error = failure.cause,
            "critical task failed, stopping"
        );
        self.shutdown.request("a critical task failed");
        let _ = self.failure.set(failure);
    }
}
