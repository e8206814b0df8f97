//! Who writes, when, and under which request id.

use tandem_domain::clock::Timestamp;
use tandem_domain::id::ShopId;
use tandem_domain::principal::Principal;

use crate::error::{Result, StoreError};

/// What every mutating call is told beside its subject.
#[derive(Debug, Clone)]
pub struct WriteContext {
    /// The caller. Its marketplace scopes the call, its shop bounds it.
    pub principal: Principal,
    /// The present time.
    pub now: Timestamp,
    /// W3C traceparent, carried along with every change; empty when untraced.
    pub traceparent: String,
    /// Makes the call repeatable.
    pub request: Option<RequestId>,
}

impl WriteContext {
    /// A call without request id and trace.
    #[must_use]
    pub const fn new(principal: Principal, now: Timestamp) -> Self {
        Self {
            principal,
            now,
            traceparent: String::new(),
            request: None,
        }
    }

    /// The shop that the caller acts for.
    ///
    /// # Errors
    /// [`StoreError::NoShop`] when it acts for none.
    pub(crate) fn shop(&self) -> Result<&ShopId> {
        self.principal.shop.as_ref().ok_or(StoreError::NoShop)
    }
}

/// A request id with what it stands for. The first answer is stored in the transaction that gives it; the same id with
/// the same body gets that answer again, with another body [`StoreError::RequestIdReused`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId {
    /// As the caller chose it, up to 128 bytes.
    pub id: String,
    /// The call, such as `ReportStock`; ids of different calls do not meet.
    pub method: &'static str,
    /// Hash of the request without its id.
    pub body_hash: [u8; 32],
}
