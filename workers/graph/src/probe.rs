//! The readiness checks that SQL and the cache answer.

use std::time::Duration;

use tandem_runtime::lifecycle::Shutdown;
use tandem_runtime::readiness::{Check, Readiness};

use crate::deps::Deps;
use crate::patience::pause;

const EVERY: Duration = Duration::from_secs(1);

/// Asks both once a second, until the shutdown.
pub(crate) async fn run(deps: Deps, readiness: Readiness, shutdown: Shutdown) {
    let (store, cache) = (readiness.check("store"), readiness.check("cache"));
    while !shutdown.is_soft() {
        set(&store, "SQL does not answer", deps.store.ping().await.is_ok());
        set(
            &cache,
            "the cache does not answer",
            deps.cache.ping().await.is_ok(),
        );
        pause(EVERY, &shutdown).await;
    }
}

fn set(check: &Check, problem: &str, answers: bool) {
    if answers {
        check.ready()
    } else {
        check.not_ready(problem)
    }
}
