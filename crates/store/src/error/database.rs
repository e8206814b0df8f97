//! What a database error means to a caller.

use std::sync::Arc;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

use super::{Cause, StoreError};

/// Stands in until the call says what it was doing; see [`StoreError::during`].
const UNNAMED: &str = "run a statement";

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::Conn(RuntimeErr::SqlxError(error))
            | DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => Self::from(error),
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed) => {
                unavailable(Arc::new(error))
            }
            other => internal(Arc::new(other)),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(Arc::new(error))
    }
}

impl From<Arc<sqlx::Error>> for StoreError {
    fn from(error: Arc<sqlx::Error>) -> Self {
        use sqlx::Error;
        match &*error {
            Error::Database(answer) => match verdict(answer.code().as_deref().unwrap_or_default()) {
                Verdict::Contention => Self::Busy { during: UNNAMED },
                Verdict::Cancelled => Self::Timeout { during: UNNAMED },
                Verdict::Unavailable => unavailable(error),
                Verdict::Defect => internal(error),
            },
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::WorkerCrashed
            | Error::BeginFailed => unavailable(error),
            _ => internal(error),
        }
    }
}

impl StoreError {
    /// The same error with what was being done.
    pub(crate) fn during(mut self, what: &'static str) -> Self {
        match &mut self {
            Self::Unavailable { during, .. }
            | Self::Timeout { during }
            | Self::Busy { during }
            | Self::Internal { during, .. } => *during = what,
            _ => {}
        }
        self
    }

    /// Whether PostgreSQL has no partition for a row: of its errors of this kind the only one, since no table has a check.
    pub(crate) fn is_missing_partition(&self) -> bool {
        let Self::Internal { source, .. } = self else {
            return false;
        };
        match source.downcast_ref::<sqlx::Error>() {
            Some(sqlx::Error::Database(answer)) => answer.code().as_deref() == Some("23514"),
            _ => false,
        }
    }

    /// Whether the same transaction may succeed when it is run again at once.
    pub(crate) const fn is_contention(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }
}

fn unavailable(source: Cause) -> StoreError {
    StoreError::Unavailable {
        during: UNNAMED,
        source,
    }
}

fn internal(source: Cause) -> StoreError {
    StoreError::Internal {
        during: UNNAMED,
        source,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Contention,
    Cancelled,
    Unavailable,
    Defect,
}

/// `code` is an SQLSTATE of five characters, or a result code of SQLite in decimal digits.
fn verdict(code: &str) -> Verdict {
    if code.len() == 5 {
        postgres(code)
    } else {
        sqlite(code)
    }
}

fn postgres(state: &str) -> Verdict {
    match state {
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => Verdict::Contention,
        "57014" => Verdict::Cancelled,
        // read_only_sql_transaction: a standby after a failover
        "25006" => Verdict::Unavailable,
        _ => match &state[..2] {
            // connection, resources (disk full, too many connections), shutdown, system and I/O errors
            "08" | "53" | "57" | "58" => Verdict::Unavailable,
            _ => Verdict::Defect,
        },
    }
}

fn sqlite(code: &str) -> Verdict {
    // The low byte is the primary code; what is above it only details it.
    match code.parse::<i32>().map(|code| code & 0xff) {
        // SQLITE_BUSY, SQLITE_LOCKED
        Ok(5 | 6) => Verdict::Contention,
        // NOMEM, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL
        Ok(7 | 8 | 10 | 13 | 14 | 15) => Verdict::Unavailable,
        _ => Verdict::Defect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_told_apart() {
        let cases = [
            ("40001", Verdict::Contention),
            ("40P01", Verdict::Contention),
            ("57014", Verdict::Cancelled),
            ("57P01", Verdict::Unavailable),
            ("53100", Verdict::Unavailable),
            ("23505", Verdict::Defect),
            ("5", Verdict::Contention),
            ("517", Verdict::Contention),
            ("13", Verdict::Unavailable),
            ("1555", Verdict::Defect),
        ];
        for (code, expected) in cases {
            assert_eq!(verdict(code), expected, "{code}");
        }
    }

    #[test]
    fn what_the_database_said_is_in_the_source_only() {
        let error =
            StoreError::from(sqlx::Error::Io(std::io::Error::other("secret host"))).during("report stock");
        assert_eq!(error.to_string(), "the database is not available to report stock");
        assert!(
            std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("secret host"))
        );
    }
}
