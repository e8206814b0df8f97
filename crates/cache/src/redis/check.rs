//! Whether a server suits.

use ::redis::cmd;

use super::link::Link;
use crate::error::CacheError;
use crate::port::Result;

/// Scripts with flags, streams that survive trimming, `XAUTOCLAIM` that reports what was deleted.
const OLDEST_MAJOR: u32 = 7;
const POLICY: &str = "noeviction";

pub(super) async fn suits(link: &Link) -> Result<()> {
    let info: String = link.ask("checking the server", &cmd("INFO")).await?;
    let version = field(&info, "redis_version").unwrap_or("unknown");
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_MAJOR) {
        return Err(CacheError::Misconfigured(format!(
            "Redis {version} is too old, {OLDEST_MAJOR} is needed"
        )));
    }
    match field(&info, "maxmemory_policy") {
        Some(POLICY) => Ok(()),
        other => Err(CacheError::Misconfigured(format!(
            "Redis drops keys when its memory is full: set maxmemory-policy to {POLICY}, not {}",
            other.unwrap_or("unknown")
        ))),
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.trim_end().strip_prefix(name)?.strip_prefix(':');
    info.lines().find_map(value)
}
