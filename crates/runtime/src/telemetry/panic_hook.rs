//! Panics belong in the log, in its format.

use std::backtrace::Backtrace;
use std::panic;

pub(super) fn install() {
    panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("a panic without a message");
        let location = info.location().map(ToString::to_string);
        let backtrace = Backtrace::capture();
        tracing::error!(panic.message = message, panic.location = location, panic.backtrace = %backtrace, "panic");
    }));
}
