//! The link of an agent: calls of gRPC in a thread of their own.

use std::borrow::ToOwned;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::string::{String, ToString};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;
use std::vec::Vec;

use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use super::codec::RawCodec;
use super::credentials::{Credentials, NoCredentials};
use crate::host::driver::Waker;
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

/// Of which era the telemetry service of a controller is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricsEra {
    /// The one that the developer guide tells of.
    #[default]
    Guide,
    /// The later one, whose package is `aalyria.spacetime.api.telemetry.v1alpha`.
    Later,
}

impl MetricsEra {
    const fn path(self) -> &'static str {
        match self {
            Self::Guide => method::EXPORT_METRICS,
            Self::Later => method::API_EXPORT_METRICS,
        }
    }
}

/// How a controller is reached.
#[derive(Clone, Debug)]
pub struct GrpcConfig {
    /// Where it is: `http://HOST:PORT` or `https://HOST[:PORT]`.
    pub controller: String,
    /// What shows it who speaks.
    pub credentials: Arc<dyn Credentials>,
    /// Certificates, as PEM, that vouch for it; those of the system where there are none.
    pub roots: Option<Vec<u8>>,
    /// The name in its certificate, where that is not the host of `controller`.
    pub server_name: Option<String>,
    /// Of which era its telemetry service is.
    pub metrics: MetricsEra,
    /// Whether what is sent is compressed with gzip. What comes may be in any case.
    pub compress: bool,
    /// Octets of the longest message that is taken; one that is longer ends its call.
    pub longest: usize,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How often the other end is asked whether it is there, while a call goes on.
    pub keep_alive: Duration,
}

impl GrpcConfig {
    /// What suits most: no credentials, messages of 1 MiB, a connection within 10 s.
    #[must_use]
    pub fn new(controller: &str) -> Self {
        Self {
            controller: controller.to_owned(),
            credentials: Arc::new(NoCredentials),
            roots: None,
            server_name: None,
            metrics: MetricsEra::Guide,
            compress: false,
            longest: 1 << 20,
            connect_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(30),
        }
    }

    fn endpoint(&self) -> Result<Endpoint, StartError> {
        let url = Bytes::copy_from_slice(self.controller.as_bytes());
        let endpoint = Endpoint::from_shared(url).map_err(|_| StartError::NotAUrl)?;
        let uri = endpoint.uri();
        let host = uri.host().ok_or(StartError::NotAUrl)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(StartError::NotAUrl);
        }
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        if !is_tls && uri.scheme() != Some(&Scheme::HTTP) {
            return Err(StartError::NotAUrl);
        }
        let endpoint = if is_tls {
            let tls = ClientTlsConfig::new().timeout(self.connect_timeout);
            let tls = match &self.roots {
                Some(roots) => tls.ca_certificate(Certificate::from_pem(roots)),
                None => tls.with_native_roots(),
            };
            let tls = match &self.server_name {
                Some(name) => tls.domain_name(name.clone()),
                None => tls,
            };
            endpoint.tls_config(tls).map_err(|error| StartError::Tls(reasons(&error)))?
        } else if self.credentials.is_none() || is_loopback(host) {
            endpoint
        } else {
            return Err(StartError::ClearText);
        };
        Ok(endpoint
            .connect_timeout(self.connect_timeout)
            .http2_keep_alive_interval(self.keep_alive)
            .keep_alive_timeout(Duration::from_secs(20))
            .tcp_nodelay(true))
    }
}

/// Whether what is sent to `host` stays on this one.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Why a link cannot be.
#[derive(Debug)]
pub enum StartError {
    /// The controller is not at `http://HOST:PORT` or `https://HOST:PORT`.
    NotAUrl,
    /// Credentials would be sent in clear text to another host.
    ClearText,
    /// There are no roots of the system, or those given are none.
    Tls(String),
    /// There is no thread, or nothing that tells of sockets.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUrl => {
                f.write_str("a controller is at http://HOST:PORT or https://HOST:PORT")
            }
            Self::ClearText => {
                f.write_str("credentials are not sent to another host in clear text: use https://")
            }
            Self::Tls(problem) => write!(f, "TLS cannot be set up: {problem}"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

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
        let Told(outcome, fault) = self.outcomes.try_recv().ok()?;
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
        messages: Option<mpsc::Sender<Bytes>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), SendError> {
        if self.running.len() >= CALLS {
            return Err(SendError::Busy);
        }
        let task = self.runtime.spawn(work).abort_handle();
        self.running.push(Running { call, task, messages });
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
        self.begin(call, None, async move {
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
        self.begin(call, Some(say), async move {
            let ended = shared.converse(call, said).await;
            let closed = |status| Outcome::Closed(call, status);
            shared.ended(method::RECEIVE_REQUESTS, ended, closed).await;
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
fn reasons(error: &dyn std::error::Error) -> String {
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

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::grpc::BearerToken;

    fn refused(config: &GrpcConfig) -> String {
        config.endpoint().unwrap_err().to_string()
    }

    #[test]
    fn controllers_are_at_urls_without_a_path() {
        for url in ["http://127.0.0.1:50051", "http://[::1]:1/", "https://controller.example"] {
            let config = GrpcConfig { roots: Some(Vec::new()), ..GrpcConfig::new(url) };
            assert!(config.endpoint().is_ok(), "{url}");
        }
        for url in
            ["", "127.0.0.1:50051", "ftp://host:1", "http://host/path", "http://host?q", "host"]
        {
            assert!(refused(&GrpcConfig::new(url)).contains("http://HOST:PORT"), "{url}");
        }
    }

    #[test]
    fn credentials_do_not_leave_the_host_in_clear_text() {
        let with = |url| GrpcConfig {
            credentials: Arc::new(BearerToken::new("t").unwrap()),
            roots: Some(Vec::new()),
            ..GrpcConfig::new(url)
        };
        for url in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://far"] {
            assert!(with(url).endpoint().is_ok(), "{url}");
        }
        for url in ["http://far:1", "http://10.0.0.1:1", "http://localhost.far:1"] {
            assert!(refused(&with(url)).contains("clear text"), "{url}");
        }
        assert!(GrpcConfig::new("http://far:1").endpoint().is_ok());
    }
}
