//! The link of an agent: calls of gRPC in a thread of their own.

use std::borrow::ToOwned;
use std::fmt;
use std::pin::{Pin, pin};
use std::string::{String, ToString};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::vec::Vec;

use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::codec::RawCodec;
use super::config::{GrpcConfig, StartError};
use super::credentials::Credentials;
use crate::host::driver::Waker;
use crate::machine::count;
use crate::southbound::agent::{Call, Link};
use crate::southbound::messages::StatusCode;
use crate::southbound::method;
use crate::transport::SendError;

/// Outcomes that wait to be taken; others stay with the controller.
const OUTCOMES: usize = 32;
/// Messages of an agent that wait to be sent.
const MESSAGES: usize = 64;
/// Calls at a time. An agent makes two: one for its schedule, one for its metrics.
const CALLS: usize = 8;
/// Letters of what a controller says of a fault.
const WORDS: usize = 200;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A call of [`Link::reset`] has ended.
    ResetDone(Call, StatusCode),
    /// Messages may be sent on the stream of a call of [`Link::open`].
    Opened(Call),
    /// A message came on the stream.
    Message(Call, Bytes),
    /// The stream has ended, or was not opened.
    Closed(Call, StatusCode),
    /// A call of [`Link::export`] has ended.
    Exported(Call, StatusCode),
}

/// What went wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The path of its method.
    pub method: &'static str,
    /// Its status.
    pub code: StatusCode,
    /// What is said of it, by the controller or by this end; 200 letters at the most.
    pub message: String,
}

/// What was done by a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStats {
    /// Calls made.
    pub calls: u64,
    /// Calls that ended otherwise than with OK.
    pub failed: u64,
    /// Messages received on streams.
    pub received: u64,
    /// Messages of the agent that were refused, because too many waited or there was no
    /// stream.
    pub refused: u64,
}

/// What an outcome comes with on its way from the other thread.
struct Told(Outcome, Option<Fault>);

/// What all calls have in common.
struct Shared {
    client: Grpc<Channel>,
    credentials: Arc<dyn Credentials>,
    outcomes: mpsc::Sender<Told>,
    waker: Waker,
}

/// A call that may go on.
#[derive(Debug)]
struct Running {
    call: Call,
    task: AbortHandle,
    /// The path of its method, and what its end is told as.
    method: &'static str,
    ended: fn(Call, StatusCode) -> Outcome,
    /// Where messages of a stream are given to it.
    messages: Option<mpsc::Sender<Bytes>>,
}

/// A link to a controller. When it is dropped its calls end, and its thread with them.
pub struct GrpcLink {
    runtime: Handle,
    shared: Arc<Shared>,
    metrics: &'static str,
    running: Vec<Running>,
    outcomes: mpsc::Receiver<Told>,
    fault: Option<Fault>,
    stats: LinkStats,
    /// Dropped, it ends the thread.
    end: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl GrpcLink {
    /// A link that wakes a driver when there is an outcome. Nothing is sent before the
    /// first call, and the controller need not be there.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn start(config: &GrpcConfig, waker: Waker) -> Result<Self, StartError> {
        let endpoint = config.endpoint()?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(StartError::System)?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new().name("farpost-grpc".to_owned()).spawn(move || {
            // Either way there is nothing more to do.
            let _ = runtime.block_on(ended);
            // A name that is still being looked up is not waited for.
            runtime.shutdown_background();
        });
        let thread = thread.map_err(StartError::System)?;
        let channel = {
            let _inside = handle.enter();
            endpoint.connect_lazy()
        };
        let mut client = Grpc::new(channel)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(config.longest);
        if config.compress {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let (tell, outcomes) = mpsc::channel(OUTCOMES);
        let credentials = Arc::clone(&config.credentials);
        Ok(Self {
            runtime: handle,
            shared: Arc::new(Shared { client, credentials, outcomes: tell, waker }),
            metrics: config.metrics.path(),
            running: Vec::new(),
            outcomes,
            fault: None,
            stats: LinkStats::default(),
            end: Some(end),
            thread: Some(thread),
        })
    }

    /// The next outcome, if there is one.
    pub fn next_outcome(&mut self) -> Option<Outcome> {
        // A task tells of its end before it ends: one that has ended, and told nothing, broke
        // off, by a panic in credentials for one.
        let broken = self.running.iter().find(|running| running.task.is_finished());
        let broken = broken.map(|&Running { call, method, ended, .. }| (call, method, ended));
        let (outcome, fault) = match self.outcomes.try_recv() {
            Ok(Told(outcome, fault)) => (outcome, fault),
            Err(_) => {
                let (call, method, ended) = broken?;
                let (code, message) = (StatusCode::INTERNAL, "it broke off".to_owned());
                (ended(call, code), Some(Fault { method, code, message }))
            }
        };
        if fault.is_some() {
            count(&mut self.stats.failed);
            self.fault = fault;
        }
        match &outcome {
            Outcome::Message(..) => count(&mut self.stats.received),
            Outcome::Opened(_) => {}
            Outcome::ResetDone(call, _) | Outcome::Closed(call, _) | Outcome::Exported(call, _) => {
                self.running.retain(|running| running.call != *call);
            }
        }
        Some(outcome)
    }

    /// The last fault, if there was one since this was asked before.
    pub fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    /// What was done.
    #[must_use]
    pub const fn stats(&self) -> &LinkStats {
        &self.stats
    }

    /// Has the driver run once more, at once.
    pub(super) fn wake(&self) {
        // It runs in any case when something becomes due.
        let _ = self.shared.waker.wake();
    }

    fn begin(
        &mut self,
        call: Call,
        method: &'static str,
        ended: fn(Call, StatusCode) -> Outcome,
        messages: Option<mpsc::Sender<Bytes>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), SendError> {
        if self.running.len() >= CALLS {
            return Err(SendError::Busy);
        }
        let task = self.runtime.spawn(work).abort_handle();
        self.running.push(Running { call, task, method, ended, messages });
        count(&mut self.stats.calls);
        Ok(())
    }

    fn unary(
        &mut self,
        call: Call,
        method: &'static str,
        request: &[u8],
        outcome: fn(Call, StatusCode) -> Outcome,
    ) -> Result<(), SendError> {
        let shared = Arc::clone(&self.shared);
        let request = Bytes::copy_from_slice(request);
        self.begin(call, method, outcome, None, async move {
            let ended = shared.ask(method, request).await;
            shared.ended(method, ended, |status| outcome(call, status)).await;
        })
    }
}

impl Link for GrpcLink {
    fn reset(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        self.unary(call, method::RESET, request, Outcome::ResetDone)
    }

    fn open(&mut self, call: Call) -> Result<(), SendError> {
        let shared = Arc::clone(&self.shared);
        let (say, said) = mpsc::channel(MESSAGES);
        let method = method::RECEIVE_REQUESTS;
        self.begin(call, method, Outcome::Closed, Some(say), async move {
            let ended = shared.converse(call, said).await;
            shared.ended(method, ended, |status| Outcome::Closed(call, status)).await;
        })
    }

    fn send(&mut self, call: Call, message: &[u8]) -> Result<(), SendError> {
        let running = self.running.iter().find(|running| running.call == call);
        let messages = running.and_then(|running| running.messages.as_ref());
        let sent = match messages {
            Some(messages) => {
                messages.try_send(Bytes::copy_from_slice(message)).map_err(|fault| match fault {
                    mpsc::error::TrySendError::Full(_) => SendError::Busy,
                    mpsc::error::TrySendError::Closed(_) => SendError::Unreachable,
                })
            }
            None => Err(SendError::Unreachable),
        };
        if sent.is_err() {
            count(&mut self.stats.refused);
        }
        sent
    }

    fn close(&mut self, call: Call) {
        self.running.retain(|running| {
            if running.call == call {
                running.task.abort();
            }
            running.call != call
        });
    }

    fn export(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        self.unary(call, self.metrics, request, Outcome::Exported)
    }
}

impl Drop for GrpcLink {
    fn drop(&mut self) {
        self.end = None;
        // Its tasks wait for room among the outcomes no more.
        self.outcomes.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for GrpcLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcLink")
            .field("running", &self.running)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

impl Shared {
    async fn tell(&self, told: Told) {
        if self.outcomes.send(told).await.is_ok() {
            let _ = self.waker.wake();
        }
    }

    /// Tells of the end of a call.
    async fn ended(
        &self,
        method: &'static str,
        ended: Result<(), Status>,
        outcome: impl FnOnce(StatusCode) -> Outcome,
    ) {
        let told = match ended {
            Ok(()) => Told(outcome(StatusCode::OK), None),
            Err(status) => {
                let code = StatusCode(status.code().into());
                let mut message = status.message().to_owned();
                // Why there is no connection is told by what is behind.
                if let Some(source) = std::error::Error::source(&status) {
                    message = reasons(source);
                }
                let message = message.chars().take(WORDS).collect();
                Told(outcome(code), Some(Fault { method, code, message }))
            }
        };
        self.tell(told).await;
    }

    /// A call and what is to go with it.
    fn request<T>(&self, method: &str, of: T) -> Result<Request<T>, Status> {
        let mut request = Request::new(of);
        let authorization = self.credentials.authorization(method);
        let authorization =
            authorization.map_err(|error| Status::unauthenticated(error.to_string()))?;
        if let Some(text) = authorization {
            let value = AsciiMetadataValue::try_from(text);
            let mut value = value.map_err(|_| Status::unauthenticated("no text for a header"))?;
            value.set_sensitive(true);
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }

    /// A client that takes a call.
    async fn client(&self) -> Result<Grpc<Channel>, Status> {
        let mut client = self.client.clone();
        client.ready().await.map_err(|error| Status::from_error(error.into()))?;
        Ok(client)
    }

    async fn ask(&self, method: &'static str, request: Bytes) -> Result<(), Status> {
        let request = self.request(method, request)?;
        let mut client = self.client().await?;
        // What the answer says is of no matter: it is empty.
        client.unary(request, PathAndQuery::from_static(method), RawCodec).await.map(|_| ())
    }

    /// Opens the stream and takes what comes, until it ends.
    async fn converse(&self, call: Call, said: mpsc::Receiver<Bytes>) -> Result<(), Status> {
        let (asked, first) = oneshot::channel();
        let said = Said { asked: Some(asked), messages: said };
        let request = self.request(method::RECEIVE_REQUESTS, said)?;
        let mut client = self.client().await?;
        let path = PathAndQuery::from_static(method::RECEIVE_REQUESTS);
        // A controller may say nothing before it was said hello, not even that it takes the
        // call. The stream is open when the first message is asked for.
        let opened = async {
            if first.await.is_ok() {
                self.tell(Told(Outcome::Opened(call), None)).await;
            }
        };
        let answered = pin!(client.streaming(request, path, RawCodec));
        let (answered, ()) = tokio::join!(answered, opened);
        let mut messages = answered?.into_inner();
        while let Some(message) = messages.message().await? {
            self.tell(Told(Outcome::Message(call, message), None)).await;
        }
        Ok(())
    }
}

/// What an agent says on a stream.
struct Said {
    /// Told when the first message is asked for.
    asked: Option<oneshot::Sender<()>>,
    messages: mpsc::Receiver<Bytes>,
}

impl Stream for Said {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(asked) = self.asked.take() {
            let _ = asked.send(());
        }
        self.messages.poll_recv(context)
    }
}

/// An error with what caused it.
pub(super) fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
