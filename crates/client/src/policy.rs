//! How each RPC is called: gRPC's service config, read once.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use tonic::Code;

use crate::budget::Throttling;

/// Deadlines and retries of every RPC, as a gRPC service config (JSON): the same text serves clients in other languages.
pub const SERVICE_CONFIG: &str = include_str!("service_config.json");

/// How one RPC is called.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// For all attempts together.
    pub(crate) timeout: Duration,
    /// Only of RPCs that may be repeated.
    pub(crate) retry: Option<Retry>,
}

/// When and how often an RPC is repeated.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Retry {
    pub(crate) max_attempts: usize,
    #[serde(deserialize_with = "seconds")]
    pub(crate) initial_backoff: Duration,
    #[serde(deserialize_with = "seconds")]
    pub(crate) max_backoff: Duration,
    pub(crate) backoff_multiplier: f32,
    #[serde(deserialize_with = "codes")]
    pub(crate) retryable_status_codes: Vec<Code>,
}

static POLICIES: LazyLock<Policies> =
    LazyLock::new(|| Policies::parse(SERVICE_CONFIG).expect("the built-in service config is valid"));

/// The policy of `/package.Service/Method`.
pub(crate) fn of(path: &str) -> &'static Policy {
    POLICIES.of(path)
}

/// What all repetitions of a connection together may cost.
pub(crate) fn throttling() -> Throttling {
    POLICIES.throttling
}

struct Policies {
    throttling: Throttling,
    named: HashMap<String, Policy>,
    other: Policy,
}

impl Policies {
    fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let config: ServiceConfig = serde_json::from_str(json)?;
        let (mut named, mut other) = (HashMap::new(), None);
        for method in config.method_config {
            let policy = Policy {
                timeout: method.timeout,
                retry: method.retry_policy,
            };
            for name in method.name {
                match (name.service, name.method) {
                    (Some(service), Some(method)) => {
                        named.insert(format!("/{service}/{method}"), policy.clone())
                    }
                    (Some(service), None) => named.insert(format!("/{service}"), policy.clone()),
                    (None, _) => other.replace(policy.clone()),
                };
            }
        }
        let other = other.ok_or_else(|| serde_json::Error::custom("no policy for all other RPCs"))?;
        Ok(Self {
            throttling: config.retry_throttling,
            named,
            other,
        })
    }

    fn of(&self, path: &str) -> &Policy {
        let service = path.rsplit_once('/').map_or(path, |(service, _)| service);
        let own = self.named.get(path).or_else(|| self.named.get(service));
        own.unwrap_or(&self.other)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServiceConfig {
    retry_throttling: Throttling,
    method_config: Vec<MethodConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MethodConfig {
    name: Vec<Name>,
    #[serde(deserialize_with = "seconds")]
    timeout: Duration,
    retry_policy: Option<Retry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    service: Option<String>,
    method: Option<String>,
}

/// Protobuf's JSON of a duration: `0.5s`.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = text.strip_suffix('s').and_then(|number| number.parse().ok());
    number
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| D::Error::custom(format!("{text:?} is no duration")))
}

fn codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Code>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let code = |name: &String| match name.as_str() {
        "UNAVAILABLE" => Ok(Code::Unavailable),
        "RESOURCE_EXHAUSTED" => Ok(Code::ResourceExhausted),
        "ABORTED" => Ok(Code::Aborted),
        other => Err(D::Error::custom(format!("{other:?} is not repeated on"))),
    };
    names.iter().map(code).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;

    use super::*;

    /// What an RPC that only reads is called.
    const READS: [&str; 6] = ["Get", "List", "BatchGet", "BatchList", "Explain", "Quote"];

    /// Called as if it read, it puts a job in line.
    const ASKS: &str = "ExplainPair";

    #[test]
    fn every_rpc_that_only_reads_is_repeated_and_no_other() {
        let described = prost_types::FileDescriptorSet::decode(tandem_proto::DESCRIPTORS).unwrap();
        let mut methods = BTreeSet::new();
        for file in described.file.iter().filter(|file| file.package() == "tandem.v1") {
            for service in &file.service {
                for method in &service.method {
                    methods.insert(format!("/tandem.v1.{}/{}", service.name(), method.name()));
                }
            }
        }
        for path in &methods {
            let method = path.rsplit('/').next().unwrap();
            let reads = method != ASKS && READS.iter().any(|verb| method.starts_with(verb));
            let repeated = of(path).retry.is_some();
            assert_eq!(repeated, reads, "{path} is repeated: {repeated}");
        }
        let policies = Policies::parse(SERVICE_CONFIG).unwrap();
        for name in policies.named.keys() {
            let known = methods
                .iter()
                .any(|path| path == name || path.starts_with(&format!("{name}/")));
            assert!(known, "{name} does not exist");
        }
    }

    #[test]
    fn the_nearest_name_counts() {
        let read = of("/tandem.v1.RelatedProducts/ListRelatedProducts");
        assert_eq!(
            (read.timeout, read.retry.is_some()),
            (Duration::from_secs(2), true)
        );
        let write = of("/tandem.v1.Stock/ReportStock");
        assert_eq!(
            (write.timeout, write.retry.is_some()),
            (Duration::from_secs(30), false)
        );
        assert!(of("/tandem.v1.Stock/BatchGetStock").retry.is_some());
        assert_eq!(of("nonsense").timeout, Duration::from_secs(30));
    }
}
