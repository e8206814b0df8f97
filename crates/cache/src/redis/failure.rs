//! What a failure of the driver means.

use ::redis::{ErrorKind, RedisError};

use crate::error::CacheError;

pub(super) fn failed(during: &'static str, error: RedisError) -> CacheError {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return CacheError::Misconfigured(format!("Redis refuses the credentials: {error}"));
    }
    let Some(code) = server_code(&error) else {
        return unanswered(during, error);
    };
    match code.as_str() {
        "OOM" | "READONLY" | "MISCONF" | "NOREPLICAS" => CacheError::Refused(error.to_string()),
        "NOAUTH" | "WRONGPASS" | "NOPERM" => {
            CacheError::Misconfigured(format!("Redis forbids {during}: {error}"))
        }
        "LOADING" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN" | "BUSY" => unavailable(during, error),
        _ => unreadable(during, &error),
    }
}

pub(super) fn unavailable(
    during: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> CacheError {
    CacheError::Unavailable {
        during,
        source: source.into(),
    }
}

/// The code of the first error that the server sent; `None` when the failure is not the server's word.
pub(super) fn server_code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors()?;
    errors.first().map(|(_, error)| error.code().to_owned())
}

/// An answer that did not come, or came in a shape that was not asked for.
fn unanswered(during: &'static str, error: RedisError) -> CacheError {
    match error.kind() {
        ErrorKind::UnexpectedReturnType | ErrorKind::Parse => unreadable(during, &error),
        _ => unavailable(during, error),
    }
}

fn unreadable(during: &'static str, error: &RedisError) -> CacheError {
    CacheError::Unreadable {
        what: during,
        why: error.to_string(),
    }
}
