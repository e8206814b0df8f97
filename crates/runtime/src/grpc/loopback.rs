//! `--insecure` must not reach the network.

use std::net::SocketAddr;

/// An address that others can reach.
#[derive(Debug, thiserror::Error)]
#[error("--insecure serves anyone and is accepted on loopback only, but `server.listen` is {0}")]
pub struct NotLoopback(SocketAddr);

/// Accepts loopback addresses, and not listening at all.
///
/// # Errors
/// For any other address.
pub fn require(listen: Option<SocketAddr>) -> Result<(), NotLoopback> {
    match listen {
        Some(address) if !is(address) => Err(NotLoopback(address)),
        _ => Ok(()),
    }
}

/// Whether only this machine can reach it.
pub(crate) fn is(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
