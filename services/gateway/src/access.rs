//! Who may call what: one table, and what stands in front of every handler because of it.

use std::sync::Arc;

use http::{Extensions, HeaderMap};
use tandem_domain::principal::{Principal, Scope};
use tandem_runtime::auth::{Callers, Halt};
use tandem_runtime::grpc::Guard;
use tandem_runtime::status::Refusal;
use tonic::Code;

/// The scope that each RPC needs. What does not stand here is refused.
const TABLE: [(&str, Scope); 6] = [
    ("/tandem.v1.RelatedProducts/ListRelatedProducts", Scope::RecoRead),
    (
        "/tandem.v1.RelatedProducts/BatchListRelatedProducts",
        Scope::RecoRead,
    ),
    ("/tandem.v1.RelatedProducts/ListBasketCompanions", Scope::RecoRead),
    (
        "/tandem.v1.RelatedProducts/ExplainRelatedProduct",
        Scope::RecoRead,
    ),
    ("/tandem.v1.Bundles/ListBundleSets", Scope::RecoRead),
    ("/tandem.v1.Bundles/QuoteBundle", Scope::RecoRead),
];

fn scope_of(path: &str) -> Option<Scope> {
    TABLE
        .iter()
        .find(|(rpc, _)| *rpc == path)
        .map(|(_, scope)| *scope)
}

/// In front of every handler: whoever passes has a [`Principal`] with the scope of the RPC, which handlers find in the
/// request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Door(Callers<Principal>);

impl Door {
    /// A door for these callers.
    pub(crate) fn for_callers(callers: Callers<Principal>) -> Self {
        Self(callers)
    }

    fn pass(&self, path: &str, headers: &HeaderMap) -> Result<Arc<Principal>, Halt> {
        let scope = scope_of(path).ok_or_else(|| unlisted(path))?;
        let caller = self.0.recognise(headers)?;
        if caller.may(scope) {
            Ok(caller)
        } else {
            Err(lacking(scope).into())
        }
    }
}

impl Guard for Door {
    fn admit(&self, path: &str, headers: &HeaderMap, extensions: &mut Extensions) -> Result<(), Halt> {
        extensions.insert(self.pass(path, headers)?);
        Ok(())
    }
}

/// The caller that the door has let through.
///
/// # Errors
/// UNAUTHENTICATED when the request came by another way.
pub(crate) fn caller(extensions: &Extensions) -> Result<&Principal, Refusal> {
    let caller = extensions.get::<Arc<Principal>>().map(AsRef::as_ref);
    caller.ok_or_else(|| Refusal::new(Code::Unauthenticated, "UNAUTHENTICATED", "no caller is known"))
}

fn unlisted(path: &str) -> Refusal {
    Refusal::new(
        Code::Unimplemented,
        "METHOD_UNKNOWN",
        format!("{path} is not served here"),
    )
}

fn lacking(scope: Scope) -> Refusal {
    let name = scope.as_str();
    let message = format!("the caller lacks the scope {name}");
    Refusal::new(Code::PermissionDenied, "SCOPE_MISSING", message).with("scope", name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;
    use tandem_domain::id::{MarketplaceId, ShopId};
    use tandem_runtime::auth::QuotaConfig;

    use super::*;

    /// The services of the API that are served here.
    const SERVED: [&str; 2] = ["RelatedProducts", "Bundles"];

    fn door(scopes: &[Scope]) -> Door {
        let mut principal = Principal::insecure(MarketplaceId::new("m").unwrap(), ShopId::new("s").unwrap());
        principal.scopes = scopes.to_vec();
        Door::for_callers(Callers::everyone(principal, &QuotaConfig::default()))
    }

    fn refused(door: &Door, path: &str) -> Refusal {
        match door.pass(path, &HeaderMap::new()) {
            Err(Halt::Refuse(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_rpc_that_is_served_here_is_listed_and_no_other() {
        let described = FileDescriptorSet::decode(tandem_proto::DESCRIPTORS).unwrap();
        let ours = described.file.iter().filter(|file| file.package() == "tandem.v1");
        let services = ours
            .flat_map(|file| &file.service)
            .filter(|service| SERVED.contains(&service.name()));
        let paths = services.flat_map(|service| {
            let methods = service.method.iter().map(|method| method.name());
            methods
                .map(|method| format!("/tandem.v1.{}/{method}", service.name()))
                .collect::<Vec<_>>()
        });
        let listed: BTreeSet<_> = TABLE.iter().map(|(rpc, _)| (*rpc).to_owned()).collect();
        assert_eq!(listed, paths.collect());
        assert_eq!(listed.len(), TABLE.len(), "an RPC is listed twice");
    }

    #[test]
    fn a_caller_without_the_scope_is_told_which_one_it_lacks() {
        let refusal = refused(&door(&[Scope::StockWrite]), TABLE[0].0);
        assert_eq!(
            (refusal.code(), refusal.reason()),
            (Code::PermissionDenied, "SCOPE_MISSING")
        );
        assert!(format!("{refusal:?}").contains("reco.read"));
    }

    #[test]
    fn what_is_not_listed_is_refused_with_every_scope() {
        let refusal = refused(&door(&Scope::ALL), "/tandem.v1.RelatedProducts/Burn");
        assert_eq!(refusal.code(), Code::Unimplemented);
        assert!(door(&Scope::ALL).pass(TABLE[0].0, &HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_request_that_came_by_another_way_has_no_caller() {
        assert_eq!(
            caller(&Extensions::new()).unwrap_err().code(),
            Code::Unauthenticated
        );
    }
}
