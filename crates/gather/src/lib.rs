//! Writes that go out together.
//!
//! HTTP/2 hands each answer to the socket by itself, and whoever has an answer ready is run before all others that have
//! one: under load that is a system call an answer, two fifths of what a bare echo costs. Here what is written is held
//! until the runtime has run what was ready to run, and then sent at once. Nothing waits for time to pass: a connection
//! with one answer sends it as soon as there is nothing else to do.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{unconstrained, yield_now};

/// As much as is held; more is sent at once. Two frames of HTTP/2.
const HELD: usize = 32 * 1024;

/// A stream that sends what was written in one turn of the runtime together.
///
/// A flush asks for that and does not wait for it: who reads, writes or flushes again sends what is due, and a shutdown
/// sends all. So it suits protocols that always wait for a read, and one task has to do both, reading and writing.
pub struct Gathered<S: AsyncWrite + Unpin> {
    stream: S,
    held: Vec<u8>,
    sent: usize,
    state: State,
    turn: Arc<Turn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is held.
    Idle,
    /// What is held waits for the end of the turn.
    Gathering,
    /// What is held goes out.
    Sending,
}

/// A turn of the runtime, and who is told of its end.
#[derive(Default)]
struct Turn {
    is_over: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_over.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    /// Gathers what is written to `stream`.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            held: Vec::new(),
            sent: 0,
            state: State::Idle,
            turn: Arc::default(),
        }
    }

    /// What it writes to.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Has the task woken once all that is ready has run.
    fn await_turn(&self, context: &Context<'_>) {
        self.turn.is_over.store(false, Ordering::Relaxed);
        self.turn.task.register(context.waker());
        let waker = Waker::from(Arc::clone(&self.turn));
        // To be polled once is all that it needs to hand the waker on.
        let _ = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
    }

    /// Sends what is due.
    fn settle(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state == State::Gathering {
            self.turn.task.register(context.waker());
            if self.turn.is_over.load(Ordering::Acquire) {
                self.state = State::Sending;
            }
        }
        match self.state {
            State::Idle | State::Gathering => Poll::Ready(Ok(())),
            State::Sending => self.send(context),
        }
    }

    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state = State::Sending;
        while self.sent < self.held.len() {
            let stream = Pin::new(&mut self.stream);
            let sent = ready!(stream.poll_write(context, &self.held[self.sent..]))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        (self.held, self.sent, self.state) = (Vec::new(), 0, State::Idle);
        Poll::Ready(Ok(()))
    }

    /// Makes room to hold more.
    fn room(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.settle(context))?;
        if self.held.len() >= HELD {
            ready!(self.send(context))?;
        }
        if self.state == State::Idle {
            self.held.reserve_exact(HELD);
            self.state = State::Gathering;
            self.await_turn(context);
        }
        Poll::Ready(Ok(()))
    }

    /// Holds as much of `bytes` as there is room for.
    fn hold(&mut self, bytes: &[u8]) -> usize {
        let some = bytes.len().min(HELD - self.held.len());
        self.held.extend_from_slice(&bytes[..some]);
        some
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let sent = self.settle(context);
        // What a peer said before it went away is more than that it did.
        match (sent, Pin::new(&mut self.stream).poll_read(context, buffer)) {
            (Poll::Ready(Err(broken)), Poll::Pending) => Poll::Ready(Err(broken)),
            (_, read) => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.room(context))?;
        Poll::Ready(Ok(self.hold(bytes)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.settle(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state != State::Idle {
            ready!(self.send(context))?;
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.room(context))?;
        Poll::Ready(Ok(slices.iter().map(|slice| self.hold(slice)).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// What was flushed is on its way, also when the connection is given up in the same turn.
impl<S: AsyncWrite + Unpin> Drop for Gathered<S> {
    fn drop(&mut self) {
        if self.state != State::Idle {
            let last = unconstrained(poll_fn(|context| self.send(context)));
            // As far as the socket takes it; nobody is left to be told.
            let _ = pin!(last).poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, split};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::runtime::Builder;
    use tokio::task::JoinSet;

    use super::*;

    /// Takes writes as it is told, and never has anything to read.
    #[derive(Default)]
    struct Sink {
        writes: Vec<Vec<u8>>,
        /// How much of each of the next writes is taken; nothing makes a writer wait for another turn.
        takes: VecDeque<usize>,
        /// Whether writes fail once `takes` is over.
        fails: bool,
        is_closed: bool,
    }

    impl AsyncRead for Sink {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Sink {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = match self.takes.pop_front() {
                Some(0) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(some) => bytes.len().min(some),
                None if self.fails => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                None => bytes.len(),
            };
            self.writes.push(bytes[..taken].to_vec());
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.is_closed = true;
            Poll::Ready(Ok(()))
        }
    }

    /// Reads until everything that is held has gone out, as a connection that waits for its peer does.
    async fn idle(stream: &mut Gathered<Sink>) -> io::Result<()> {
        poll_fn(|context| {
            let (mut byte, mut pinned) = ([0], Pin::new(&mut *stream));
            if let Poll::Ready(read) = pinned.as_mut().poll_read(context, &mut ReadBuf::new(&mut byte)) {
                return Poll::Ready(read);
            }
            match pinned.state {
                State::Idle => Poll::Ready(Ok(())),
                State::Gathering | State::Sending => Poll::Pending,
            }
        })
        .await
    }

    fn on_one_thread<T>(test: impl Future<Output = T>) -> T {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(test)
    }

    #[test]
    fn what_is_written_in_a_turn_is_one_write() {
        let stream = on_one_thread(async {
            let mut stream = Gathered::new(Sink::default());
            for answer in ["one ", "two ", "three"] {
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
            assert!(stream.get_ref().writes.is_empty(), "the turn is not over");
            idle(&mut stream).await.unwrap();
            stream.write_all(b"next").await.unwrap();
            idle(&mut stream).await.unwrap();
            stream
        });
        assert_eq!(stream.get_ref().writes, [&b"one two three"[..], b"next"]);
    }

    #[test]
    fn tasks_that_are_ready_run_before_anything_is_sent() {
        on_one_thread(async {
            let (answers, mut ready) = tokio::sync::mpsc::unbounded_channel();
            let mut handlers = JoinSet::new();
            for no in 0..20_u8 {
                let answers = answers.clone();
                handlers.spawn(async move { answers.send(no) });
            }
            let mut stream = Gathered::new(Sink::default());
            for _ in 0..20 {
                let answer = ready.recv().await.unwrap();
                stream.write_all(&[answer]).await.unwrap();
                stream.flush().await.unwrap();
            }
            idle(&mut stream).await.unwrap();
            assert_eq!(stream.get_ref().writes.len(), 1);
        });
    }

    #[test]
    fn more_than_is_held_goes_out_at_once() {
        let stream = on_one_thread(async {
            let mut stream = Gathered::new(Sink::default());
            stream.write_all(&[7; 2 * HELD + 1]).await.unwrap();
            stream
        });
        assert_eq!(stream.get_ref().writes.len(), 2);
        assert_eq!(stream.held.len(), 1);
    }

    #[test]
    fn a_shutdown_sends_all_and_waits_for_no_turn() {
        let stream = on_one_thread(async {
            let mut stream = Gathered::new(Sink::default());
            stream.write_all(b"last").await.unwrap();
            stream.shutdown().await.unwrap();
            stream
        });
        assert_eq!(stream.get_ref().writes, [b"last"]);
        assert!(stream.get_ref().is_closed);
    }

    #[test]
    fn where_no_turns_are_told_apart_it_sends_at_the_next_read() {
        let mut stream = Gathered::new(Sink::default());
        // What blocks on a runtime of many threads is none of its tasks.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            stream.write_all(b"alone").await.unwrap();
            idle(&mut stream).await.unwrap();
        });
        assert_eq!(stream.get_ref().writes, [b"alone"]);
    }

    #[test]
    fn a_write_that_fails_is_told_to_who_reads() {
        let broken = on_one_thread(async {
            let mut stream = Gathered::new(Sink {
                fails: true,
                ..Sink::default()
            });
            stream.write_all(b"lost").await.unwrap();
            idle(&mut stream).await.unwrap_err()
        });
        assert_eq!(broken.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn what_a_peer_said_last_is_read_before_it_is_told_that_the_peer_is_gone() {
        on_one_thread(async {
            let (mut here, there) = duplex(64);
            let mut stream = Gathered::new(there);
            here.write_all(b"no more clients").await.unwrap();
            drop(here);
            stream.write_all(b"ping").await.unwrap();
            yield_now().await;
            let mut said = [0; 15];
            stream.read_exact(&mut said).await.unwrap();
            assert_eq!(&said, b"no more clients");
        });
    }

    #[test]
    fn a_stream_that_is_dropped_sends_what_the_socket_takes() {
        on_one_thread(async {
            let (mut here, there) = duplex(64);
            let mut stream = Gathered::new(there);
            stream.write_all(&[7; 100]).await.unwrap();
            drop(stream);
            let mut read = Vec::new();
            here.read_to_end(&mut read).await.unwrap();
            assert_eq!(read, [7; 64]);
        });
    }

    #[test]
    fn answers_come_over_sockets_whatever_thread_serves_them() {
        const CALLS: u8 = 200;
        let runtime = Builder::new_multi_thread()
            .worker_threads(4)
            .enable_io()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut tasks = JoinSet::new();
            for _ in 0..16 {
                tasks.spawn(async move {
                    let mut stream = Gathered::new(TcpStream::connect(address).await.unwrap());
                    for call in 0..CALLS {
                        stream.write_all(&[call]).await.unwrap();
                        assert_eq!(stream.read_u8().await.unwrap(), call);
                    }
                    stream.shutdown().await.unwrap();
                });
                let (stream, _) = listener.accept().await.unwrap();
                tasks.spawn(async move {
                    let mut stream = Gathered::new(stream);
                    while let Ok(call) = stream.read_u8().await {
                        stream.write_all(&[call]).await.unwrap();
                        stream.flush().await.unwrap();
                    }
                });
            }
            tasks.join_all().await;
        });
    }

    #[test]
    fn two_peers_answer_each_other_through_a_pipe_that_is_always_full() {
        const BYTES: usize = 200_000;
        on_one_thread(async {
            let (here, there) = duplex(64);
            let peer = |stream, first: u8| async move {
                let (mut reads, mut writes) = split(Gathered::new(stream));
                let sent = async {
                    writes.write_all(&vec![first; BYTES]).await?;
                    writes.shutdown().await
                };
                let mut read = Vec::new();
                let (sent, _) = tokio::join!(sent, reads.read_to_end(&mut read));
                sent.map(|()| read)
            };
            let (here, there) = tokio::join!(peer(here, 1), peer(there, 2));
            assert_eq!(here.unwrap(), vec![2; BYTES]);
            assert_eq!(there.unwrap(), vec![1; BYTES]);
        });
    }

    proptest! {
        #[test]
        fn every_byte_goes_out_once_and_in_order(
            writes in prop::collection::vec((0..3 * HELD, any::<bool>()), 1..12),
            takes in prop::collection::vec(0..HELD, 0..40),
        ) {
            let (mut wanted, mut byte) = (Vec::new(), 0_u8);
            let stream = on_one_thread(async {
                let sink = Sink { takes: takes.into(), ..Sink::default() };
                let mut stream = Gathered::new(sink);
                for (length, is_turn) in writes {
                    byte = byte.wrapping_add(1);
                    let bytes = vec![byte; length];
                    stream.write_all(&bytes).await.unwrap();
                    wanted.extend(bytes);
                    if is_turn {
                        idle(&mut stream).await.unwrap();
                    }
                }
                stream.shutdown().await.unwrap();
                stream
            });
            prop_assert_eq!(stream.get_ref().writes.concat(), wanted);
        }
    }
}
