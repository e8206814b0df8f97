//! Connections for calls that block on the server. A shared one would hold up every other command.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, RedisResult, Value};
use parking_lot::Mutex;

use super::link::Link;
use crate::port::Result;

/// The longest that a call may block: a silent server is noticed a response timeout later.
pub(super) const SLICE: Duration = Duration::from_secs(1);
/// Idle connections kept.
const KEPT: usize = 8;

pub(super) struct Waiters {
    link: Arc<Link>,
    idle: Mutex<Vec<MultiplexedConnection>>,
}

impl Waiters {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self {
            link,
            idle: Mutex::default(),
        }
    }

    /// Sends a command that blocks for at most [`SLICE`]. Given up half-way its connection is closed, so that the
    /// server does not answer into the void.
    pub(super) async fn ask(&self, during: &'static str, command: &Cmd) -> Result<RedisResult<Value>> {
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.link.dedicated(during, SLICE).await?,
        };
        let answer = command.query_async(&mut connection).await;
        self.put_back(connection, &answer);
        Ok(answer)
    }

    fn put_back(&self, connection: MultiplexedConnection, answer: &RedisResult<Value>) {
        let mut idle = self.idle.lock();
        let lost = answer
            .as_ref()
            .err()
            .is_some_and(|error| error.is_io_error() || error.is_unrecoverable_error());
        if lost {
            // What happened to this one happened to the others.
            idle.clear();
        } else if idle.len() < KEPT {
            idle.push(connection);
        }
    }
}
