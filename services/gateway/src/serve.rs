//! Putting the parts together.

use std::sync::Arc;

use opentelemetry::global;
use tandem_cache::port::Reads;
use tandem_cache::redis::RedisCache;
use tandem_domain::clock::{SharedClock, SystemClock};
use tandem_domain::principal::Principal;
use tandem_proto::v1::bundles_server::BundlesServer;
use tandem_runtime::auth::UnixTime;
use tandem_runtime::config::ServerConfig;
use tandem_runtime::grpc::{AnyCaller, Guarded, Services};
use tandem_runtime::lifecycle::{Kind, Service, Shell, StartError};
use tokio_util::sync::CancellationToken;

use crate::access::Door;
use crate::config::{Config, LAYOUT};
use crate::feed::Follower;
use crate::market::Market;
use crate::meters::{self, Meters};
use crate::near::Near;
use crate::read::Reader;
use crate::reflection;
use crate::rpc::{BundlesApi, Desk, RelatedProductsApi};

/// The gateway as a process.
pub const SERVICE: Service = Service {
    name: "tandem-gateway",
    about: "Serves related products and bundles from the cache",
    version: env!("CARGO_PKG_VERSION"),
    kind: Kind::Server,
    layout: LAYOUT,
};

/// Why the gateway did not serve.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Something it needs did not come up, or the server broke.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// The whole process: connects to Redis and serves until the shutdown.
///
/// # Errors
/// When Redis does not come up or does not suit, or as [`serve`].
pub async fn run(config: Config, shell: Shell) -> Result<(), RunError> {
    let url = &config.redis.url;
    let cache = shell
        .connect("redis", || RedisCache::connect(url.expose()))
        .await?;
    serve(Arc::new(cache), Arc::new(SystemClock), config, shell).await
}

/// The same over a cache that is there already, for a process that holds several parts. The views follow the feed until
/// the last call is answered, so that a drain does not serve old stock.
///
/// # Errors
/// When the keys of callers' tokens cannot be read, or the server breaks.
pub async fn serve(
    cache: Arc<dyn Reads>,
    clock: SharedClock,
    config: Config,
    shell: Shell,
) -> Result<(), RunError> {
    let now = seconds(&clock);
    let callers = shell.callers(everyone(&config), now).await?;
    let door = Door::for_callers(callers.clone());
    let meter = global::meter("tandem");
    let meters = Arc::new(Meters::new(&meter));
    let markets = markets(&config);
    meters::observe(&meter, &markets);

    let served = CancellationToken::new();
    let _served = served.clone().drop_guard();
    for market in &markets {
        let (cache, market, meters) = (Arc::clone(&cache), Arc::clone(market), Arc::clone(&meters));
        let follower = Follower::new(cache, market, meters, config.feed.clone(), shell.readiness());
        let served = served.clone();
        shell.tasks().spawn_critical("follow the feed", async move {
            served.run_until_cancelled(follower.follow()).await;
            Ok::<_, StartError>(())
        });
    }
    let near = (config.near.max_bytes > 0).then(|| Near::new(&config.near, Arc::clone(&meters)));
    if let Some(near) = &near {
        meters::observe_near(&meter, near);
    }
    let reader = Reader::new(cache, Arc::clone(&meters));
    let keys = config.attribution.keys.clone();
    let desk = Desk::new(&markets, reader, near, clock, meters, keys);
    let mut services = services(desk, &door, shell.server());
    if config.reflection.enabled {
        let known = AnyCaller::of(callers);
        services = services
            .with(Guarded::new(reflection::v1(), known.clone()))
            .with(Guarded::new(reflection::v1alpha(), known));
    }
    Ok(shell.serve(services).await?)
}

fn services(desk: Desk, door: &Door, limits: &ServerConfig) -> Services {
    let limit = limits.max_request_bytes;
    let related = RelatedProductsApi::new(desk.clone(), limit);
    let bundles = BundlesServer::new(BundlesApi::new(desk));
    Services::new()
        .with(Guarded::new(related, door.clone()))
        .with(Guarded::new(
            bundles.max_decoding_message_size(limit),
            door.clone(),
        ))
}

fn markets(config: &Config) -> Vec<Arc<Market>> {
    let served = config.marketplaces.iter();
    served
        .map(|(id, currency)| Arc::new(Market::new(id.clone(), currency.clone())))
        .collect()
}

/// The time that tokens are checked by.
fn seconds(clock: &SharedClock) -> UnixTime {
    let clock = Arc::clone(clock);
    Arc::new(move || clock.now().as_ms().div_euclid(1_000))
}

fn everyone(config: &Config) -> Principal {
    Principal::insecure(config.marketplaces.first().clone(), config.insecure.shop.clone())
}
