//! The sequence of a process's life.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::shell::STARTED;
use super::{Access, Exit, Service, Shell, Shutdown};
use crate::backoff::chain;
use crate::config::{Loaded, RuntimeConfig};
use crate::readiness::Readiness;
use crate::tasks::Tasks;
use crate::telemetry::{Metrics, Telemetry};
use crate::{BoxError, admin, panics};

/// What a body may still do after the hard stop: notice it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A live process: telemetry, body, flush.
pub(super) fn live<T, E, F, Fut>(service: &Service, loaded: Loaded<T>, access: Access, body: F) -> Exit
where
    F: FnOnce(T, Shell) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    let runtime = match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start threads: {error}")),
    };
    let exit = runtime.block_on(async {
        let Loaded {
            runtime: config,
            config: own,
            ..
        } = loaded;
        let telemetry = match Telemetry::init(&config.telemetry, &config.log, service.name, service.version) {
            Ok(telemetry) => telemetry,
            Err(error) => {
                eprintln!("error: {}", chain(&error));
                return Exit::BadConfig;
            }
        };
        let exit = match host(service, &config, access, telemetry.metrics(), |shell| {
            body(own, shell)
        })
        .await
        {
            Ok(()) => Exit::Clean,
            Err(error) => {
                tracing::error!(error = chain(error.as_ref()), "ended in failure");
                Exit::Failed
            }
        };
        telemetry.shutdown().await;
        exit
    });
    runtime.shutdown_timeout(LAST_WORDS);
    exit
}

fn failed(problem: &str) -> Exit {
    eprintln!("error: {problem}");
    Exit::Failed
}

/// Bind, run the body between signals, wait for its tasks.
async fn host<E, F, Fut>(
    service: &Service,
    config: &RuntimeConfig,
    access: Access,
    metrics: Metrics,
    body: F,
) -> Result<(), BoxError>
where
    F: FnOnce(Shell) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    // Before anybody knows where to find the process: a signal would end it on the spot.
    let signals = Shutdown::signals()?;
    let server = bind("server", config.server.listen).await?;
    let admin = bind("admin", config.admin.listen).await?;
    let (shutdown, readiness) = (Shutdown::new(), Readiness::new());
    let tasks = Tasks::new(shutdown.clone());

    // Before anybody can ask: without a check everything would count as ready.
    let shell = Shell::new(
        config.server.clone(),
        server,
        access,
        shutdown.clone(),
        tasks.clone(),
        readiness.clone(),
    );

    // Beside the body to the very end: the drain is watched and can be looked at.
    let mut beside = JoinSet::new();
    beside.spawn(shutdown.clone().drive(config.shutdown.drain, signals));
    beside.spawn(draining(shutdown.clone(), readiness.clone()));
    if let Some(listener) = admin {
        let readiness = readiness.clone();
        beside.spawn(async move {
            if let Err(error) = admin::serve(listener, readiness, metrics).await {
                tracing::error!(error = chain(&error), "the admin endpoint broke");
            }
        });
    }

    tracing::info!(service.name, service.version, "started");
    // Boxed: a body is a deep nest of futures, and what holds it need not know how deep.
    let outcome = within(&shutdown, Box::pin(body(shell))).await;
    let stopped_early = shutdown.is_soft();
    shutdown.request("its work has ended");
    let _ = within(&shutdown, tasks.finished().map(Ok::<_, BoxError>)).await;

    if let Err(error) = outcome {
        // Told to stop while it waited for what it needs: that is an end in order.
        if !(stopped_early
            && readiness
                .report()
                .checks
                .get(STARTED)
                .is_some_and(Option::is_some))
        {
            return Err(error);
        }
    }
    if let Some(failure) = tasks.failure() {
        return Err(failure.clone().into());
    }
    if shutdown.is_hard() {
        return Err("stopped before the work in progress was done".into());
    }
    tracing::info!("stopped");
    Ok(())
}

/// Binds where the configuration says, if it says so.
///
/// # Errors
/// When the address cannot be had, with the section and the address.
pub async fn bind(section: &str, listen: Option<SocketAddr>) -> io::Result<Option<TcpListener>> {
    let Some(address) = listen else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    let listener = bound.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot listen on {address} ({section}.listen): {error}"),
        )
    })?;
    let address = listener.local_addr()?;
    tracing::info!(server.section = section, server.address = %address, "listening");
    Ok(Some(listener))
}

/// The work's outcome; a panic is an error, and after the hard stop it is not waited for.
async fn within<E: Into<BoxError>>(
    shutdown: &Shutdown,
    work: impl Future<Output = Result<(), E>>,
) -> Result<(), BoxError> {
    let cut_off = async {
        shutdown.hard().await;
        sleep(LAST_WORDS).await;
    };
    tokio::select! {
        outcome = AssertUnwindSafe(work).catch_unwind() => match outcome {
            Ok(outcome) => outcome.map_err(Into::into),
            Err(panic) => Err(format!("panicked: {}", panics::message(&*panic)).into()),
        },
        () = cut_off => Ok(()),
    }
}

async fn draining(shutdown: Shutdown, readiness: Readiness) {
    shutdown.soft().await;
    readiness.drain();
}
