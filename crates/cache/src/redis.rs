//! The cache on Redis 7 or later.
//!
//! Every key begins with `td:` and the marketplace as hash tag; in ids, `%`, `:`, `{` and `}` are written as `%XX`.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `td:{M}:feed` | stream | what gateways follow; each entry names the one before it |
//! | `td:{M}:states` | hash | product ␟ pool → units `0`…`255`, with supply and uncounted policies where there is something to say; `x` for delisted; what the feed said last |
//! | `td:{M}:stock:P` | hash | `s`␟SKU␟pool → epoch, version, available, sellable, policy; `t`␟pool → their sum, `2` (`4`, `8`)␟pool → SKUs of that policy, `j`␟pool → the supply judged last; `h` → shop; `l` → epoch, version, 1 or 0 |
//! | `td:{M}:thresholds` | hash | shop → epoch, version, low, critical, buffer, hysteresis |
//! | `td:{M}:cards` | hash | product → epoch, version, card |
//! | `td:{M}:links` | hash | anchor → epoch, version, links |
//! | `td:{M}:fixed` | hash | anchor → epoch, version, fixed bundles |
//! | `td:{M}:surfaces` | hash | surface → epoch, version, surface |
//! | `td:{M}:beat` | string | epoch and counter of the last heartbeat |
//! | `td:{M}:epoch` | string | the rebuild marker |
//! | `td:{M}:changes` | stream | changes on their way to the group `inventory` |
//! | `td:{M}:pointer` | hash | `manifest` of the generation on serve, and the `fence` of its publisher |
//! | `td:{M}:segments` | set | segments that have records here |
//! | `td:{M}:index:S` | hash | names of the records of segment S, in lots |
//! | `td:{M}:lease:NAME` | string | the holder; expires |
//! | `td:{M:P}:S:l` (`e`, `b`) | string | lists (evidence, bundles) of product P in segment S |
//! | `td:{M:C}:S:c`, `td:{M:}:S:m` | string | bestsellers of category C, or of the marketplace |
//!
//! ␟ is the control character U+001F, which no id holds. What changes together shares the tag `{M}`; records of one
//! product share a tag of their own over all segments. Epochs and versions are decimal numbers.
//!
//! Whatever must be compared and changed in one step is a script in `lua/`. Commands share one connection, calls that
//! block have their own. A connection that stays silent is replaced, see `link.rs`.

mod backoff;
mod changes;
mod check;
mod entry;
mod failure;
mod follow;
mod keys;
mod leases;
mod link;
mod options;
mod projects;
mod publishes;
mod reads;
mod reply;
mod script;
mod snapshot;
mod unreadable;
mod versioned;
mod waiters;

use std::sync::Arc;

use crate::port::Result;
use link::Link;
use waiters::Waiters;

pub use options::RedisOptions;

/// The cache on a Redis server. Cloning it shares the connections.
#[derive(Clone)]
pub struct RedisCache {
    link: Arc<Link>,
    waiters: Arc<Waiters>,
}

impl RedisCache {
    /// Connects with the default limits.
    ///
    /// # Errors
    /// As [`RedisCache::connect_with`].
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_with(url, RedisOptions::default()).await
    }

    /// Connects and checks that the server suits. Later losses of the connection are mended by the next call.
    ///
    /// # Errors
    /// [`CacheError::Misconfigured`](crate::error::CacheError::Misconfigured) when the URL cannot be read, the server
    /// refuses the credentials, is older than 7, or may evict keys;
    /// [`CacheError::Unavailable`](crate::error::CacheError::Unavailable) when it cannot be reached.
    pub async fn connect_with(url: &str, options: RedisOptions) -> Result<Self> {
        let link = Arc::new(Link::new(url, options)?);
        check::suits(&link).await?;
        let waiters = Arc::new(Waiters::new(Arc::clone(&link)));
        Ok(Self { link, waiters })
    }
}

impl std::fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisCache").finish_non_exhaustive()
    }
}
