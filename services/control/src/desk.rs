//! What every handler works with: the store, the time, and the caller.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use prost::Message;
use tandem_domain::clock::{SharedClock, Timestamp};
use tandem_domain::id::MarketplaceId;
use tandem_domain::money::Currency;
use tandem_domain::principal::Principal;
use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;
use tandem_runtime::telemetry::propagation;
use tandem_store::{Missing, RequestId, Store, WriteContext};
use tonic::{Code, Request};

use crate::refusal::{not_found, refuse};

/// Shared by all handlers. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) store: Store,
    clock: SharedClock,
    currencies: Arc<RwLock<HashMap<MarketplaceId, Currency>>>,
}

/// A request with its caller.
#[derive(Debug)]
pub(crate) struct Call<T> {
    pub(crate) principal: Arc<Principal>,
    pub(crate) body: T,
}

impl<T> Call<T> {
    /// Takes the request apart. Without a caller nothing is done, whatever it asks for.
    pub(crate) fn of(request: Request<T>) -> Result<Self, Refusal> {
        let (_, extensions, body) = request.into_parts();
        match extensions.get::<Arc<Principal>>() {
            Some(principal) => Ok(Self {
                principal: Arc::clone(principal),
                body,
            }),
            None => Err(Refusal::new(
                Code::Unauthenticated,
                "UNAUTHENTICATED",
                "the caller is not known",
            )),
        }
    }
}

impl Desk {
    pub(crate) fn new(store: Store, clock: SharedClock) -> Self {
        Self {
            store,
            clock,
            currencies: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The context of a write: who, when, in which trace, and under which request id.
    pub(crate) fn write<T: Mutation>(&self, call: &Call<T>) -> WriteContext {
        WriteContext {
            principal: (*call.principal).clone(),
            now: self.now(),
            traceparent: propagation::current().unwrap_or_default(),
            request: call.body.identity(),
        }
    }

    /// The currency of a marketplace. It never changes, so that it is read once.
    pub(crate) async fn currency(&self, id: &MarketplaceId) -> Result<Currency, Refusal> {
        if let Some(currency) = self.currencies.read().get(id) {
            return Ok(currency.clone());
        }
        let found = self.store.marketplace(id).await.map_err(refuse)?;
        let marketplace = found.ok_or_else(|| not_found(&Missing::Marketplace(id.clone())))?;
        let currency = marketplace.currency;
        self.currencies.write().insert(id.clone(), currency.clone());
        Ok(currency)
    }
}

/// A request that changes something and can be made repeatable by an id.
pub(crate) trait Mutation: Message + Clone {
    /// The name that request ids are told apart by.
    const METHOD: &'static str;

    /// The id; empty for none.
    fn request_id(&self) -> &str;

    /// The same request without it.
    fn without_id(&self) -> Self;

    /// The id with the hash of all the rest.
    fn identity(&self) -> Option<RequestId> {
        if self.request_id().is_empty() {
            return None;
        }
        Some(RequestId {
            id: self.request_id().to_owned(),
            method: Self::METHOD,
            body_hash: *blake3::hash(&self.without_id().encode_to_vec()).as_bytes(),
        })
    }
}

macro_rules! mutations {
    ($($request:ident => $method:literal;)+) => {$(
        impl Mutation for pb::$request {
            const METHOD: &'static str = $method;
            fn request_id(&self) -> &str {
                &self.request_id
            }
            fn without_id(&self) -> Self {
                Self { request_id: String::new(), ..self.clone() }
            }
        }
    )+};
}

mutations! {
    ReportEventsRequest => "ReportEvents";
    ReportStockRequest => "ReportStock";
    UpdateStockPolicyRequest => "UpdateStockPolicy";
    BatchUpsertProductsRequest => "BatchUpsertProducts";
    BatchUpsertSkusRequest => "BatchUpsertSkus";
    DelistProductsRequest => "DelistProducts";
    RelistProductsRequest => "RelistProducts";
    CreateFixedBundleRequest => "CreateFixedBundle";
    DeleteFixedBundleRequest => "DeleteFixedBundle";
    UpdateCategoryRuleRequest => "UpdateCategoryRule";
    DeleteCategoryRuleRequest => "DeleteCategoryRule";
    CreateLinkRequest => "CreateLink";
    DeleteLinksRequest => "DeleteLinks";
    UpdateSurfaceRequest => "UpdateSurface";
    RollbackSurfaceRequest => "RollbackSurface";
    DeleteSurfaceRequest => "DeleteSurface";
    TriggerBuildRequest => "TriggerBuild";
    RollbackGenerationRequest => "RollbackGeneration";
    ExplainPairRequest => "ExplainPair";
    ReplayDeadLettersRequest => "ReplayDeadLetters";
    DropDeadLettersRequest => "DropDeadLetters";
    EraseUserRequest => "EraseUser";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(request_id: &str, accept_collapse: bool) -> Option<RequestId> {
        pb::TriggerBuildRequest {
            accept_collapse,
            request_id: request_id.to_owned(),
            ..Default::default()
        }
        .identity()
    }

    #[test]
    fn the_hash_is_that_of_everything_but_the_id() {
        let (a, b, c) = (
            build("a", true).unwrap(),
            build("b", true).unwrap(),
            build("a", false).unwrap(),
        );
        assert_eq!(a.body_hash, b.body_hash);
        assert_ne!(a.body_hash, c.body_hash);
        assert_eq!((a.id.as_str(), a.method), ("a", "TriggerBuild"));
        assert_eq!(build("", true), None);
    }
}
