#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
//! Records read back as they were written, keep their bytes from build to build, and never panic on strange ones.

#[path = "codec/arbitrary.rs"]
mod arbitrary;
#[path = "codec/golden.rs"]
mod golden;
#[path = "codec/refusal.rs"]
mod refusal;
#[path = "codec/roundtrip.rs"]
mod roundtrip;
#[path = "codec/sample.rs"]
mod sample;
