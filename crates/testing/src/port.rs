//! Loopback ports nobody else uses.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range the kernel hands to outgoing connections, so that a port stays free while its
/// server restarts.
const FIRST: u32 = 15_000;
const COUNT: u32 = 16_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A loopback TCP port that nothing listens on, never given twice by one process.
///
/// # Panics
/// When the whole range is taken.
pub fn free_port() -> u16 {
    let start = process::id().wrapping_mul(37);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset).expect("the range ends below 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free loopback port between {FIRST} and {}", FIRST + COUNT);
}
