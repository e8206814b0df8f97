#![doc = include_str!("../README.md")]
// The docs of generated code are the comments of the proto files; the clients and servers that tonic adds have none.
#![allow(
    missing_docs,
    clippy::all,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

/// Encoded `FileDescriptorSet` of every proto file, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Public API, version 1.
pub mod v1 {
    tonic::include_proto!("tandem.v1");
}

/// Private cache records, version 1.
pub mod cache {
    /// Records, version 1.
    pub mod v1 {
        tonic::include_proto!("tandem.cache.v1");
    }
}
