//! Lanes: threads with a runtime of their own, each of which keeps the connections that it was dealt.
//!
//! A call on a lane never changes threads: nothing is woken on another processor for it, and nothing is stolen. One
//! loop accepts for all lanes and deals each connection to the lane that has the fewest, since callers hold few
//! connections for long: a kernel that deals by a hash of addresses (`SO_REUSEPORT`) would leave lanes idle beside
//! crowded ones.

use std::future::ready;
use std::io;
use std::num::{NonZeroU8, NonZeroUsize};
use std::str::FromStr;
use std::sync::Arc;
use std::thread;

use futures::future::try_join_all;
use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::accept::Accepted;
use super::serve::{Counter, ServeError};

/// How many lanes a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// One for each processor that the process may run on.
    Cores,
    /// So many.
    Exactly(NonZeroU8),
}

/// A number of lanes that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither \"cores\" nor a number from 1 to 255")]
pub struct NoLanes;

impl FromStr for Lanes {
    type Err = NoLanes;

    fn from_str(text: &str) -> Result<Self, NoLanes> {
        match text {
            "cores" => Ok(Self::Cores),
            count => count.parse().map(Self::Exactly).map_err(|_| NoLanes),
        }
    }
}

impl Lanes {
    fn count(self) -> usize {
        match self {
            Self::Cores => thread::available_parallelism().map_or(1, NonZeroUsize::get),
            Self::Exactly(count) => count.get().into(),
        }
    }
}

/// A connection's stay on a lane: lanes are compared by how many there are.
pub(super) type Stay = Arc<()>;

/// A connection on its way from one runtime to another.
type Dealt = Accepted<std::net::TcpStream>;

/// A lane as the dealer sees it.
struct Lane {
    dealt: mpsc::UnboundedSender<Dealt>,
    stays: Stay,
}

type Outcome = Result<(), ServeError>;

/// Deals what is `accepted` to lanes, which serve it at `counter` until the last client has gone.
///
/// # Errors
/// When a lane cannot be started, fails or panics; the others are stopped then.
pub(super) async fn serve(
    lanes: Lanes,
    accepted: impl Stream<Item = Accepted>,
    counter: Arc<Counter>,
) -> Outcome {
    // What was opened on one lane may be in use on another, so that none ends before all have served.
    let over = CancellationToken::new();
    let _over = over.clone().drop_guard();
    let started = (0..lanes.count()).map(|no| start(no, Arc::clone(&counter), over.clone()));
    let (lanes, outcomes): (Vec<_>, Vec<_>) = started.collect::<io::Result<Vec<_>>>()?.into_iter().unzip();
    let served = outcomes
        .into_iter()
        .map(async |outcome| outcome.await.unwrap_or(Err(ServeError::Panicked)));
    tokio::try_join!(deal(accepted, lanes).map(Ok), try_join_all(served))?;
    Ok(())
}

/// Starts lane `no`, and says how it will have served.
fn start(
    no: usize,
    counter: Arc<Counter>,
    over: CancellationToken,
) -> io::Result<(Lane, oneshot::Receiver<Outcome>)> {
    let (dealt, mut arrivals) = mpsc::unbounded_channel();
    let (served, outcome) = oneshot::channel();
    let live = move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(served.send(Err(error.into()))),
        };
        let accepted =
            stream::poll_fn(|context| arrivals.poll_recv(context)).filter_map(|dealt| ready(arrival(dealt)));
        runtime.block_on(over.run_until_cancelled(async {
            // Nobody waits for the outcome once the server was given up.
            let _ = served.send(counter.serve(accepted).await);
            over.cancelled().await;
        }));
        runtime.shutdown_background();
    };
    thread::Builder::new().name(format!("lane-{no}")).spawn(live)?;
    let stays = Stay::default();
    Ok((Lane { dealt, stays }, outcome))
}

/// Each connection to the lane with the fewest.
async fn deal(accepted: impl Stream<Item = Accepted>, lanes: Vec<Lane>) {
    let dealt = accepted.for_each(|accepted| {
        if let Some(lane) = lanes.iter().min_by_key(|lane| Arc::strong_count(&lane.stays)) {
            lane.take(accepted);
        }
        ready(())
    });
    dealt.await;
}

impl Lane {
    fn take(&self, Accepted { stream, mut slot }: Accepted) {
        slot.lane = Some(Arc::clone(&self.stays));
        match stream.into_std() {
            // A lane that takes none any more is about to say why.
            Ok(stream) => drop(self.dealt.send(Accepted { stream, slot })),
            Err(error) => tracing::warn!(%error, "a connection cannot be dealt"),
        }
    }
}

/// A connection that has come to this runtime.
fn arrival(Accepted { stream, slot }: Dealt) -> Option<Accepted> {
    match TcpStream::from_std(stream) {
        Ok(stream) => Some(Accepted { stream, slot }),
        Err(error) => {
            tracing::warn!(%error, "a dealt connection cannot be taken");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::super::accept::{Slots, accepted};
    use super::*;

    /// A lane that nobody runs, and what it is dealt.
    fn lane() -> (Lane, mpsc::UnboundedReceiver<Dealt>) {
        let (dealt, arrivals) = mpsc::unbounded_channel();
        let stays = Stay::default();
        (Lane { dealt, stays }, arrivals)
    }

    #[tokio::test]
    async fn a_connection_goes_to_the_lane_that_has_the_fewest() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut clients, (one, mut ones), (other, mut others)) = (Vec::new(), lane(), lane());
        let dealing = deal(accepted(listener, Slots::new(100)), vec![one, other]);
        let dealt = async {
            let mut connect = async || clients.push(TcpStream::connect(address).await.unwrap());
            connect().await;
            let first = ones.recv().await.unwrap();
            connect().await;
            let second = others.recv().await.unwrap();
            connect().await;
            let third = ones.recv().await.unwrap();
            connect().await;
            let fourth = others.recv().await.unwrap();
            drop((second, fourth));
            connect().await;
            let fifth = others.recv().await.unwrap();
            connect().await;
            let sixth = others.recv().await.unwrap();
            drop((first, third, fifth, sixth));
        };
        tokio::select! {
            () = dealing => panic!("nobody stops accepting"),
            () = dealt => {}
        }
    }

    #[test]
    fn a_number_of_lanes_is_that_of_the_cores_or_above_zero() {
        assert_eq!("cores".parse(), Ok(Lanes::Cores));
        assert!(Lanes::Cores.count() >= 1);
        assert_eq!("4".parse().map(Lanes::count), Ok(4));
        for none in ["", "0", "-1", "256", "two", "Cores"] {
            assert_eq!(none.parse::<Lanes>(), Err(NoLanes), "{none:?}");
        }
    }
}
