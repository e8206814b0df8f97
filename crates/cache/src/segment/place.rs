//! Where segments lie.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _};
use tandem_domain::generation::SegmentRef;

use super::broken;
use crate::error::CacheError;
use crate::port::Result;

/// Opens the storage at `location`: a folder, by path or `file://` URL, made if it is not there. What is written is on
/// disk when the call returns.
///
/// # Errors
/// [`CacheError::Misconfigured`] when `location` has another scheme or the folder cannot be made.
pub fn segment_store(location: &str) -> Result<Arc<dyn ObjectStore>> {
    let folder = folder(location)?;
    let refused = |error: &dyn std::fmt::Display| {
        CacheError::Misconfigured(format!(
            "segments cannot be kept in {}: {error}",
            folder.display()
        ))
    };
    std::fs::create_dir_all(&folder).map_err(|error| refused(&error))?;
    let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| refused(&error))?;
    Ok(Arc::new(store.with_fsync(true)))
}

fn folder(location: &str) -> Result<PathBuf> {
    match location.split_once("://") {
        None => Ok(PathBuf::from(location)),
        Some(("file", path)) => Ok(PathBuf::from(path)),
        Some((scheme, _)) => Err(CacheError::Misconfigured(format!(
            "segments cannot be kept at {scheme}://: give a folder or a file:// URL"
        ))),
    }
}

/// Deletes the file of a segment; one that is gone already is no error.
///
/// # Errors
/// [`CacheError::Segment`] when storage fails.
pub async fn delete_segment(store: &dyn ObjectStore, segment: &SegmentRef) -> Result<()> {
    let path = Path::parse(&segment.path).map_err(|error| broken(&segment.path, error))?;
    match store.delete(&path).await {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(broken(&segment.path, error)),
    }
}
