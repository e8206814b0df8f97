//! Compiles the proto files without protoc.

use std::path::{Path, PathBuf};

const FILES: [&str; 12] = [
    "tandem/v1/common.proto",
    "tandem/v1/related_products.proto",
    "tandem/v1/bundles.proto",
    "tandem/v1/events.proto",
    "tandem/v1/stock.proto",
    "tandem/v1/catalog.proto",
    "tandem/v1/links.proto",
    "tandem/v1/fixed_bundles.proto",
    "tandem/v1/category_rules.proto",
    "tandem/v1/operations.proto",
    "tandem/v1/surfaces.proto",
    "tandem/cache/v1/records.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=tandem");
    let descriptors = protox::compile(FILES, [Path::new(".")])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out.join("descriptors.bin"),
        prost::Message::encode_to_vec(&descriptors),
    )?;
    tonic_prost_build::configure()
        .btree_map(".")
        .bytes(".tandem.cache.v1.AnchorRecord.companions")
        .compile_fds(descriptors)?;
    Ok(())
}
