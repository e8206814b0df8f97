//! Records that stand in Redis and cannot be read.

use std::fmt::Display;
use std::sync::LazyLock;

use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};

use crate::port::Result;

static UNREADABLE: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("tandem")
        .u64_counter("tandem.cache.unreadable")
        .with_description("Projected records that were read and could not be understood, by kind")
        .build()
});

/// What was read of the record of `kind` that stands under `key`. One that cannot be read is as good as none: it spoils
/// nothing that is read with it, and the next full pass puts it anew.
pub(super) fn readable<T>(kind: &'static str, key: impl Display, read: Result<T>) -> Option<T> {
    read.inspect_err(|error| {
        UNREADABLE.add(1, &[KeyValue::new("kind", kind)]);
        tracing::warn!(record.kind = kind, record.key = %key, %error, "a record cannot be read");
    })
    .ok()
}
