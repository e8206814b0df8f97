//! Waiting for a condition instead of for time to pass.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::{sleep, timeout};

const PAUSE: Duration = Duration::from_millis(5);

/// Asks `condition` again and again until it is true.
///
/// # Errors
/// When it did not become true within `deadline`; `what` is named in the message.
pub async fn wait_until(
    deadline: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> bool,
) -> Result<()> {
    wait_for(deadline, what, async || condition().await.then_some(())).await
}

/// Asks `probe` again and again until it has an answer, and returns that.
///
/// # Errors
/// When there was none within `deadline`; `what` is named in the message.
pub async fn wait_for<T>(
    deadline: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> Result<T> {
    let answer = async {
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            sleep(PAUSE).await;
        }
    };
    timeout(deadline, answer)
        .await
        .with_context(|| format!("waited {deadline:?} in vain for {what}"))
}
