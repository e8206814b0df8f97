//! Errors as a snapshot shows them: everything that a program may rest on, and the message.

use std::fmt::Write as _;

use tonic::Status;
use tonic_types::StatusExt as _;

/// What was sent, then what came back.
pub(crate) fn case(name: &str, status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("every error carries its reason");
    assert_eq!(info.domain, "tandem");
    let mut text = format!(
        "{name}\n  {:?} {}: {}\n",
        status.code(),
        info.reason,
        status.message()
    );
    let mut metadata: Vec<_> = info.metadata.iter().collect();
    metadata.sort();
    for (key, value) in metadata {
        writeln!(text, "  {key} = {value}").expect("text");
    }
    for violation in details.bad_request().iter().flat_map(|bad| &bad.field_violations) {
        writeln!(text, "  - {}: {}", violation.field, violation.description).expect("text");
    }
    if let Some(resource) = details.resource_info() {
        writeln!(
            text,
            "  resource {} {}",
            resource.resource_type, resource.resource_name
        )
        .expect("text");
    }
    if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay) {
        writeln!(text, "  retry after {delay:?}").expect("text");
    }
    text
}

/// The code and the reason.
pub(crate) fn reason(status: &Status) -> (tonic::Code, String) {
    let details = status.get_error_details();
    let info = details.error_info().expect("every error carries its reason");
    (status.code(), info.reason.clone())
}
