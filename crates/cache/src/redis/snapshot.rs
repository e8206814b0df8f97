//! Every sellable state, read through a cursor so that neither side holds all of them at once.

use std::collections::VecDeque;
use std::sync::Arc;

use ::redis::cmd;
use bytes::Bytes;
use futures::stream::{StreamExt as _, try_unfold};
use tandem_domain::id::ProductId;
use tandem_domain::stock::{Availability, Pool};

use super::entry::{product_and_pool, state};
use super::link::Link;
use super::unreadable::readable;
use crate::error::CacheError;
use crate::port::{BoxStream, Result};

const DURING: &str = "reading availability";
/// Fields that the server looks at per round trip.
const PIECE: usize = 1_000;

type State = (ProductId, Pool, Availability);

pub(super) fn availability(link: Arc<Link>, key: String) -> BoxStream<State> {
    let scan = Scan {
        link,
        key,
        cursor: Some("0".to_owned()),
        ready: VecDeque::new(),
    };
    try_unfold(scan, Scan::next).boxed()
}

struct Scan {
    link: Arc<Link>,
    key: String,
    /// Where to go on; `None` when all was read.
    cursor: Option<String>,
    ready: VecDeque<State>,
}

impl Scan {
    async fn next(mut self) -> Result<Option<(State, Self)>> {
        loop {
            if let Some(state) = self.ready.pop_front() {
                return Ok(Some((state, self)));
            }
            let Some(cursor) = self.cursor.take() else {
                return Ok(None);
            };
            self.piece(&cursor).await?;
        }
    }

    async fn piece(&mut self, cursor: &str) -> Result<()> {
        let mut scan = cmd("HSCAN");
        scan.arg(&self.key).arg(cursor).arg("COUNT").arg(PIECE);
        let (next, fields): (String, Vec<(Bytes, Bytes)>) = self.link.ask(DURING, &scan).await?;
        self.cursor = (next != "0").then_some(next);
        let states = fields
            .iter()
            .filter_map(|(field, value)| readable("state", field.escape_ascii(), parsed(field, value)));
        self.ready.extend(states);
        Ok(())
    }
}

fn parsed(field: &[u8], value: &[u8]) -> Result<State> {
    let read = || {
        let (product, pool) = product_and_pool(std::str::from_utf8(field).ok()?)?;
        Some((product, pool, state(std::str::from_utf8(value).ok()?)?))
    };
    read().ok_or_else(|| CacheError::Unreadable {
        what: "a sellable state",
        why: format!("it is \"{}\"", value.escape_ascii()),
    })
}
