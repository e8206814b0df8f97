//! Commands that nobody can carry out as they are written.

/// What is wrong with the command line, seen only after it was parsed. Like what the parser refuses, it ends the command
/// with 2; any other failure ends it with 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);
