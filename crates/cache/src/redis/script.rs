//! The scripts. Each takes its keys in `KEYS`; those that write under the server's full memory say so.

use std::sync::LazyLock;

use ::redis::{Cmd, Script as Hashed, cmd};

/// A script, by text and by hash.
pub(super) struct Script {
    source: &'static str,
    hash: String,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $flags:literal, $file:literal;)+) => {$(
        $(#[$doc])*
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!($flags, "\n", include_str!("lua/prelude.lua"), include_str!($file)))
        });
    )+};
}

scripts! {
    STOCK = "#!lua", "lua/stock.lua";
    LISTING = "#!lua", "lua/listing.lua";
    THRESHOLDS = "#!lua", "lua/thresholds.lua";
    REPLACE = "#!lua", "lua/replace.lua";
    STEP_DOWN = "#!lua", "lua/step_down.lua";
    BEAT = "#!lua", "lua/beat.lua";
    REBUILT = "#!lua", "lua/rebuilt.lua";
    PUBLISH = "#!lua", "lua/publish.lua";
    HOLD = "#!lua", "lua/hold.lua";
    // These take nothing, or give back: they go on when memory is short.
    TRIM_FEED = "#!lua flags=allow-oom", "lua/trim_feed.lua";
    TRIM_CHANGES = "#!lua flags=allow-oom", "lua/trim_changes.lua";
    RECLAIM = "#!lua flags=allow-oom", "lua/reclaim.lua";
    RELEASE = "#!lua flags=allow-oom", "lua/release.lua";
    BACKLOG = "#!lua flags=no-writes", "lua/backlog.lua";
    OLDEST_HELD = "#!lua flags=no-writes", "lua/oldest_held.lua";
}

impl Script {
    fn new(source: &'static str) -> Self {
        let hash = Hashed::new(source).get_hash().to_owned();
        Self { source, hash }
    }

    /// A call that works on a server that has never seen the script.
    pub(super) fn call<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    ) -> Cmd {
        with_keys(cmd("EVAL").arg(self.source), keys)
    }

    /// [`Script::call`], as a [`Caller`].
    pub(super) fn by_text(&self, keys: &[&str]) -> Cmd {
        self.call(keys.iter().copied())
    }

    /// A call that a server refuses which has not seen the script since it was started. It spares the server that it
    /// hashes the text to see whether it has.
    pub(super) fn by_hash(&self, keys: &[&str]) -> Cmd {
        with_keys(cmd("EVALSHA").arg(&self.hash), keys.iter().copied())
    }
}

/// Begins a call of a script: with its text, or by its hash.
pub(super) type Caller = fn(&Script, &[&str]) -> Cmd;

fn with_keys<'a>(
    call: &mut Cmd,
    keys: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
) -> Cmd {
    let keys = keys.into_iter();
    call.arg(keys.len());
    for key in keys {
        call.arg(key);
    }
    std::mem::take(call)
}
