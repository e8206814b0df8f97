//! Every sellable state, read through a cursor so that neither side holds all of them at once.

use std::collections::VecDeque;
use std::sync::Arc;

use ::redis::cmd;
use futures::stream::{StreamExt as _, try_unfold};
use tandem_domain::id::ProductId;
use tandem_domain::stock::{Availability, Pool};

use super::entry::{product_and_pool, state};
use super::link::Link;
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
        let (next, fields): (String, Vec<(String, String)>) = self.link.ask(DURING, &scan).await?;
        self.cursor = (next != "0").then_some(next);
        for (field, value) in fields {
            self.ready.push_back(parsed(&field, &value)?);
        }
        Ok(())
    }
}

fn parsed(field: &str, value: &str) -> Result<State> {
    let state = product_and_pool(field).and_then(|(product, pool)| Some((product, pool, state(value)?)));
    state.ok_or_else(|| CacheError::Unreadable {
        what: "a sellable state",
        why: format!("{field:?} is {value:?}"),
    })
}
