//! The wire: each handler parses, asks, and converts.

mod bundles;
mod convert;
mod parse;
mod related_products;
mod unary;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use tandem_domain::attribution::{Answered, KeyRing, Mark};
use tandem_domain::clock::SharedClock;
use tandem_domain::id::{MarketplaceId, SurfaceId};
use tandem_domain::stock::Pool;
use tandem_domain::surface::Surface;
use tandem_runtime::status::Refusal;
use tonic::{Code, Extensions, Response, Status};

pub(crate) use bundles::BundlesApi;
pub(crate) use related_products::RelatedProductsApi;
pub(crate) use words::reason;

use crate::access::caller;
use crate::bundles::Bundles;
use crate::failure::Failure;
use crate::market::Market;
use crate::meters::{Meters, Outcome};
use crate::near::Near;
use crate::read::Reader;
use crate::related::Related;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Parts>);

struct Parts {
    markets: BTreeMap<MarketplaceId, Arc<Market>>,
    related: Related,
    bundles: Bundles,
    meters: Arc<Meters>,
    keys: KeyRing,
}

impl Desk {
    /// A desk over the views of `markets`.
    #[must_use]
    pub(crate) fn new(
        markets: &[Arc<Market>],
        reader: Reader,
        near: Option<Near>,
        clock: SharedClock,
        meters: Arc<Meters>,
        keys: KeyRing,
    ) -> Self {
        let by_id = markets
            .iter()
            .map(|market| (market.id().clone(), Arc::clone(market)));
        Self(Arc::new(Parts {
            markets: by_id.collect(),
            related: Related::new(reader.clone(), Arc::clone(&clock), near),
            bundles: Bundles::new(reader, clock),
            meters,
            keys,
        }))
    }

    fn related(&self) -> &Related {
        &self.0.related
    }

    fn bundles(&self) -> &Bundles {
        &self.0.bundles
    }

    fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// By what an event names the answer that showed these items; empty where nothing is signed.
    fn token(&self, answer: &Answered<'_>, items: impl ExactSizeIterator<Item = Mark>) -> String {
        self.0.keys.sign(answer, items).unwrap_or_default()
    }

    /// The view of the caller's marketplace.
    fn market(&self, extensions: &Extensions) -> Result<Arc<Market>, Refusal> {
        let caller = caller(extensions)?;
        let market = self.0.markets.get(&caller.marketplace).cloned();
        market.ok_or_else(|| {
            let why = "this gateway does not serve the caller's marketplace";
            Refusal::new(Code::PermissionDenied, "MARKETPLACE_NOT_SERVED", why)
        })
    }

    /// Counts how a call ended and puts it on the wire.
    fn answer<T>(
        &self,
        method: &'static str,
        outcome: Result<(T, Outcome), Refusal>,
    ) -> Result<Response<T>, Status> {
        self.outcome(method, outcome).map(Response::new)
    }

    /// Counts how a call ended.
    fn outcome<T>(&self, method: &'static str, outcome: Result<(T, Outcome), Refusal>) -> Result<T, Status> {
        match outcome {
            Ok((answer, outcome)) => {
                self.meters().answered(method, outcome);
                Ok(answer)
            }
            Err(refusal) => {
                let failed = matches!(refusal.code(), Code::Unavailable | Code::Internal);
                let outcome = if failed { Outcome::Failed } else { Outcome::Refused };
                self.meters().answered(method, outcome);
                Err(refusal.into())
            }
        }
    }
}

/// Refuses a pool that the surface does not sell from.
fn sells_from(surface: &Surface, pool: Option<&Pool>) -> Result<(), Refusal> {
    match pool {
        Some(pool) if !surface.stock.sells_from(pool) => {
            let why = format!(
                "surface {} does not sell from {} pools",
                surface.id,
                pool.kind().as_str()
            );
            Err(Refusal::invalid(vec![("pool".to_owned(), why)]))
        }
        _ => Ok(()),
    }
}

/// A surface by its id.
fn surface(market: &Market, id: SurfaceId) -> Result<Arc<Surface>, Refusal> {
    market
        .surface(&id)
        .ok_or_else(|| Failure::UnknownSurface(id).into())
}
