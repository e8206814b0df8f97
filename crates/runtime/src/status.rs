//! The one place that makes a [`tonic::Status`]: a refusal with a reason becomes a code with `google.rpc` details.
//! Causes are logged where they are known; none of their text goes to the wire.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of every `google.rpc.ErrorInfo`.
pub const ERROR_DOMAIN: &str = "tandem";

/// An error as a caller sees it. Small, so that results that carry one are cheap to pass on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    code: Code,
    reason: &'static str,
    message: String,
    metadata: HashMap<String, String>,
    violations: Vec<(String, String)>,
    retry_after: Option<Duration>,
    resource: Option<(String, String)>,
    quota: Option<(String, String)>,
}

impl Refusal {
    /// A refusal with its machine-readable `reason` (capitals) and a sentence that says what to do.
    #[must_use]
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            reason,
            message: message.into(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            retry_after: None,
            resource: None,
            quota: None,
        }))
    }

    /// INVALID_ARGUMENT `INVALID_FIELD` with one violation per (field, description); see [`Violations`] for many.
    #[must_use]
    pub fn invalid(violations: Vec<(String, String)>) -> Self {
        let message = violations
            .iter()
            .map(|(field, why)| format!("{field}: {why}"))
            .collect::<Vec<_>>()
            .join("; ");
        let mut refusal = Self::new(Code::InvalidArgument, "INVALID_FIELD", message);
        refusal.0.violations = violations;
        refusal
    }

    /// Adds a fact for programs, such as the limit that was passed.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.0.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, why: impl Into<String>) -> Self {
        self.0.violations.push((field.into(), why.into()));
        self
    }

    /// Tells the caller when to try again.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Names the resource that is missing or foreign.
    #[must_use]
    pub fn resource(mut self, kind: &str, name: impl ToString) -> Self {
        self.0.resource = Some((kind.to_owned(), name.to_string()));
        self
    }

    /// Names whose quota is used up, and what it is.
    #[must_use]
    pub fn quota(mut self, subject: impl Into<String>, limit: impl Into<String>) -> Self {
        self.0.quota = Some((subject.into(), limit.into()));
        self
    }

    /// The machine-readable reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.0.reason
    }

    /// The gRPC code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }
}

/// What is wrong with a request, all of it at once. Only the first [`TOLD`](Self::TOLD) are told one by one, in short:
/// they travel in a header, and clients bound the size of those.
#[derive(Debug, Default)]
pub struct Violations {
    told: Vec<(String, String)>,
    found: usize,
}

impl Violations {
    /// Violations that are told one by one.
    pub const TOLD: usize = 20;
    /// The longest description in bytes.
    const LONGEST: usize = 120;

    /// Notes that a field is wrong.
    pub fn add(&mut self, field: impl fmt::Display, why: impl fmt::Display) {
        self.found += 1;
        if self.told.len() < Self::TOLD {
            let mut why = why.to_string();
            if why.len() > Self::LONGEST {
                why.truncate(why.floor_char_boundary(Self::LONGEST));
                why.push('…');
            }
            self.told.push((field.to_string(), why));
        }
    }

    /// How many were found.
    #[must_use]
    pub const fn found(&self) -> usize {
        self.found
    }
}

impl From<Violations> for Refusal {
    fn from(Violations { told, found }: Violations) -> Self {
        let untold = found - told.len();
        let refusal = Self::invalid(told);
        match untold {
            0 => refusal,
            untold => refusal.with("violations_untold", untold),
        }
    }
}

impl From<Refusal> for Status {
    fn from(Refusal(refusal): Refusal) -> Self {
        let mut details = ErrorDetails::new();
        details.set_error_info(refusal.reason, ERROR_DOMAIN, refusal.metadata);
        for (field, why) in refusal.violations {
            details.add_bad_request_violation(field, why);
        }
        if let Some(delay) = refusal.retry_after {
            details.set_retry_info(Some(delay));
        }
        if let Some((kind, name)) = refusal.resource {
            details.set_resource_info(kind, name, "", "");
        }
        if let Some((subject, limit)) = refusal.quota {
            details.add_quota_failure_violation(subject, limit);
        }
        Self::with_error_details(refusal.code, refusal.message, details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_its_reason_and_fields() {
        let status = Status::from(Refusal::invalid(vec![(
            "page_size".into(),
            "must not be negative".into(),
        )]));
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let info = details.error_info().expect("error info");
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("INVALID_FIELD", "tandem")
        );
        assert_eq!(
            details.bad_request().expect("violations").field_violations[0].field,
            "page_size"
        );
    }

    #[test]
    fn a_thousand_violations_fit_into_a_header() {
        let mut violations = Violations::default();
        for index in 0..1_000 {
            violations.add(format_args!("events[{index}]"), "é".repeat(100_000));
        }
        let status = Status::from(Refusal::from(violations));
        let headers = status.clone().into_http::<()>().into_parts().0.headers;
        let bytes: usize = headers.values().map(http::HeaderValue::len).sum();
        assert!(bytes < 16_000, "{bytes} bytes");
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["violations_untold"], "980");
    }

    #[test]
    fn a_retry_delay_reaches_the_wire() {
        let refusal = Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE", "try again")
            .retry_after(Duration::from_millis(200));
        let status = Status::from(refusal);
        let delay = status
            .get_error_details()
            .retry_info()
            .and_then(|info| info.retry_delay);
        assert_eq!(delay, Some(Duration::from_millis(200)));
    }
}
