//! How the connection behaves.

use std::time::Duration;

/// Limits of the connection. The defaults suit a server in the same data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisOptions {
    /// The longest that connecting may take, greeting included.
    pub connect_timeout: Duration,
    /// The longest that an answer may take.
    pub response_timeout: Duration,
    /// After a failed attempt to connect, calls fail at once for this long; doubled by each further failure.
    pub retry_after: Duration,
    /// The longest that calls fail at once before the next attempt.
    pub retry_at_most: Duration,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
            retry_after: Duration::from_millis(50),
            retry_at_most: Duration::from_secs(1),
        }
    }
}
