//! Who may call what: one table, and what stands in front of every handler because of it.

use std::sync::Arc;

use http::{Extensions, HeaderMap};
use tandem_domain::principal::{Principal, Scope};
use tandem_runtime::auth::{Callers, Halt};
use tandem_runtime::grpc::Guard;
use tandem_runtime::status::Refusal;
use tonic::Code;

use crate::schema::Gate;

/// The scope that each RPC needs. What does not stand here is refused.
const TABLE: [(&str, Scope); 34] = [
    ("/tandem.v1.Events/ReportEvents", Scope::EventsWrite),
    ("/tandem.v1.Stock/ReportStock", Scope::StockWrite),
    ("/tandem.v1.Stock/BatchGetStock", Scope::StockWrite),
    ("/tandem.v1.Stock/GetStockPolicy", Scope::StockWrite),
    ("/tandem.v1.Stock/UpdateStockPolicy", Scope::StockWrite),
    ("/tandem.v1.Catalog/BatchUpsertProducts", Scope::CatalogWrite),
    ("/tandem.v1.Catalog/BatchUpsertSkus", Scope::CatalogWrite),
    ("/tandem.v1.Catalog/GetProduct", Scope::CatalogWrite),
    ("/tandem.v1.Catalog/DelistProducts", Scope::CatalogWrite),
    ("/tandem.v1.Catalog/RelistProducts", Scope::CatalogWrite),
    ("/tandem.v1.Links/CreateLink", Scope::LinksWrite),
    ("/tandem.v1.Links/ListLinks", Scope::LinksWrite),
    ("/tandem.v1.Links/DeleteLinks", Scope::LinksWrite),
    ("/tandem.v1.Surfaces/GetSurface", Scope::OpsAdmin),
    ("/tandem.v1.Surfaces/ListSurfaces", Scope::OpsAdmin),
    ("/tandem.v1.Surfaces/UpdateSurface", Scope::OpsAdmin),
    ("/tandem.v1.Surfaces/ListSurfaceRevisions", Scope::OpsAdmin),
    ("/tandem.v1.Surfaces/RollbackSurface", Scope::OpsAdmin),
    ("/tandem.v1.Surfaces/DeleteSurface", Scope::OpsAdmin),
    ("/tandem.v1.FixedBundles/CreateFixedBundle", Scope::LinksWrite),
    ("/tandem.v1.FixedBundles/ListFixedBundles", Scope::LinksWrite),
    ("/tandem.v1.FixedBundles/DeleteFixedBundle", Scope::LinksWrite),
    ("/tandem.v1.Operations/GetGeneration", Scope::OpsAdmin),
    ("/tandem.v1.Operations/ListGenerations", Scope::OpsAdmin),
    ("/tandem.v1.Operations/TriggerBuild", Scope::OpsAdmin),
    ("/tandem.v1.Operations/RollbackGeneration", Scope::OpsAdmin),
    ("/tandem.v1.Operations/ExplainPair", Scope::OpsAdmin),
    ("/tandem.v1.Operations/GetJob", Scope::OpsAdmin),
    ("/tandem.v1.Operations/ListDeadLetters", Scope::OpsAdmin),
    ("/tandem.v1.Operations/GetDeadLetter", Scope::OpsAdmin),
    ("/tandem.v1.Operations/ReplayDeadLetters", Scope::OpsAdmin),
    ("/tandem.v1.Operations/DropDeadLetters", Scope::OpsAdmin),
    ("/tandem.v1.Operations/EraseUser", Scope::OpsAdmin),
    ("/tandem.v1.Operations/GetUserErasure", Scope::OpsAdmin),
];

/// RPCs that either scope opens. Which of them a write needs the request says: its handler asks by [`require`].
const EITHER: [(&str, [Scope; 2]); 4] = [
    ("/tandem.v1.CategoryRules/GetCategoryRule", RULES),
    ("/tandem.v1.CategoryRules/ListCategoryRules", RULES),
    ("/tandem.v1.CategoryRules/UpdateCategoryRule", RULES),
    ("/tandem.v1.CategoryRules/DeleteCategoryRule", RULES),
];

/// A shop's own, and the marketplace's.
const RULES: [Scope; 2] = [Scope::LinksWrite, Scope::OpsAdmin];

/// The scopes of which a caller needs one.
fn scopes_of(path: &str) -> Option<&'static [Scope]> {
    let one = TABLE.iter().find(|(rpc, _)| *rpc == path);
    let either = EITHER.iter().find(|(rpc, _)| *rpc == path);
    one.map(|(_, scope)| std::slice::from_ref(scope))
        .or_else(|| either.map(|(_, scopes)| scopes.as_slice()))
}

/// Refuses a caller who lacks the scope that a request needs, whichever opened the door.
pub(crate) fn require(principal: &Principal, scope: Scope) -> Result<(), Refusal> {
    match principal.may(scope) {
        true => Ok(()),
        false => Err(lacking(&[scope])),
    }
}

/// In front of every handler: whoever passes has a [`Principal`] with the scope of the RPC, and the schema fits.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    callers: Callers<Principal>,
    gate: Gate,
}

impl Door {
    /// A door for these callers, while the gate is open.
    pub(crate) fn new(callers: Callers<Principal>, gate: Gate) -> Self {
        Self { callers, gate }
    }

    fn pass(&self, path: &str, headers: &HeaderMap) -> Result<Arc<Principal>, Halt> {
        let scopes = scopes_of(path).ok_or_else(|| unlisted(path))?;
        let caller = self.callers.recognise(headers)?;
        if !scopes.iter().any(|scope| caller.may(*scope)) {
            return Err(lacking(scopes).into());
        }
        self.gate.pass()?;
        Ok(caller)
    }
}

impl Guard for Door {
    fn admit(&self, path: &str, headers: &HeaderMap, extensions: &mut Extensions) -> Result<(), Halt> {
        extensions.insert(self.pass(path, headers)?);
        Ok(())
    }
}

fn unlisted(path: &str) -> Refusal {
    let message = format!("{path} is not served here");
    Refusal::new(Code::Unimplemented, "METHOD_UNKNOWN", message)
}

/// Any of the scopes would do.
fn lacking(scopes: &[Scope]) -> Refusal {
    let names: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    let names = names.join(" or ");
    let message = format!("the caller lacks the scope {names}");
    Refusal::new(Code::PermissionDenied, "SCOPE_MISSING", message).with("scope", names)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use tandem_domain::id::{MarketplaceId, ShopId};
    use tandem_runtime::auth::QuotaConfig;

    use super::*;

    /// The services of the API that are served here.
    const SERVED: [&str; 8] = [
        "Events",
        "Stock",
        "Catalog",
        "Links",
        "FixedBundles",
        "CategoryRules",
        "Surfaces",
        "Operations",
    ];

    fn door(scopes: &[Scope]) -> Door {
        let mut principal = Principal::insecure(MarketplaceId::new("m").unwrap(), ShopId::new("s").unwrap());
        principal.scopes = scopes.to_vec();
        Door::new(
            Callers::everyone(principal, &QuotaConfig::default()),
            Gate::open(),
        )
    }

    fn refused(door: &Door, path: &str) -> Refusal {
        match door.pass(path, &HeaderMap::new()) {
            Err(Halt::Refuse(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_rpc_that_is_served_here_is_listed_and_no_other() {
        let described = prost_types::FileDescriptorSet::decode(tandem_proto::DESCRIPTORS).unwrap();
        let mut served = BTreeSet::new();
        for file in described.file.iter().filter(|file| file.package() == "tandem.v1") {
            for service in file
                .service
                .iter()
                .filter(|service| SERVED.contains(&service.name()))
            {
                for method in &service.method {
                    served.insert(format!("/tandem.v1.{}/{}", service.name(), method.name()));
                }
            }
        }
        let listed = TABLE.iter().map(|(rpc, _)| *rpc);
        let listed = listed.chain(EITHER.iter().map(|(rpc, _)| *rpc));
        let listed: BTreeSet<_> = listed.map(str::to_owned).collect();
        assert_eq!(listed, served);
        let rows = TABLE.len() + EITHER.len();
        assert_eq!(listed.len(), rows, "an RPC is listed twice");
    }

    #[test]
    fn a_caller_without_the_scope_is_told_which_one_it_lacks() {
        let refusal = refused(&door(&[Scope::RecoRead]), "/tandem.v1.Stock/ReportStock");
        assert_eq!(
            (refusal.code(), refusal.reason()),
            (Code::PermissionDenied, "SCOPE_MISSING")
        );
        assert!(format!("{refusal:?}").contains("stock.write"));
    }

    #[test]
    fn either_scope_opens_what_the_request_decides_and_no_other_does() {
        const RPC: &str = "/tandem.v1.CategoryRules/UpdateCategoryRule";
        for scope in [Scope::LinksWrite, Scope::OpsAdmin] {
            assert!(door(&[scope]).pass(RPC, &HeaderMap::new()).is_ok());
        }
        let refusal = refused(&door(&[Scope::CatalogWrite, Scope::StockWrite]), RPC);
        assert_eq!(refusal.reason(), "SCOPE_MISSING");
        assert!(format!("{refusal:?}").contains("links.write or ops.admin"));
    }

    #[test]
    fn what_is_not_listed_is_refused_with_every_scope() {
        let door = door(&Scope::ALL);
        assert_eq!(
            refused(&door, "/tandem.v1.Stock/Burn").code(),
            Code::Unimplemented
        );
        assert!(
            door.pass("/tandem.v1.Stock/ReportStock", &HeaderMap::new())
                .is_ok()
        );
    }
}
