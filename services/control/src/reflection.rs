//! Server reflection, for grpcurl and the like: the API of this process and nothing else. No scope stands for it, since it
//! shows what is written in the proto files; callers have to be known all the same.

use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic_reflection::server::Builder;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};
use tonic_reflection::server::v1alpha;

/// The services whose files are shown.
const SERVED: [&str; 7] = [
    "Events",
    "Stock",
    "Catalog",
    "Links",
    "FixedBundles",
    "Surfaces",
    "Operations",
];

/// Version 1.
pub(crate) fn v1() -> ServerReflectionServer<impl ServerReflection> {
    builder().build_v1().expect("our descriptors are whole")
}

/// What older clients ask for.
pub(crate) fn v1alpha() -> v1alpha::ServerReflectionServer<impl v1alpha::ServerReflection> {
    builder().build_v1alpha().expect("our descriptors are whole")
}

fn builder() -> Builder<'static> {
    Builder::configure()
        .register_file_descriptor_set(served())
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// Without the services of other processes and their private records.
fn served() -> FileDescriptorSet {
    let mut set = FileDescriptorSet::decode(tandem_proto::DESCRIPTORS).expect("our descriptors are whole");
    set.file.retain(|file| {
        let foreign = file
            .service
            .iter()
            .any(|service| !SERVED.contains(&service.name()));
        !foreign && !file.package().starts_with("tandem.cache")
    });
    set
}
