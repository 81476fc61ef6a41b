//! The place where agents call: gRPC's server in a thread of its own.

use std::borrow::ToOwned;
use std::convert::Infallible;
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::string::String;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use std::vec::Vec;

use bytes::Bytes;
use subtle::ConstantTimeEq;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codec::{CompressionEncoding, Streaming};
use tonic::server::Grpc;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status};
use tower::service_fn;

use super::codec::RawCodec;
use super::config::{MetricsEra, StartError};
use super::link::reasons;
use crate::host::driver::Waker;
use crate::southbound::messages::StatusCode;
use crate::southbound::method;
use crate::transport::SendError;

/// Calls that wait to be taken; others wait with their agents.
const CALLS: usize = 256;
/// Calls that one connection may have under way: an agent has three.
const STREAMS: u32 = 16;
/// How often an agent that is silent is asked whether it is there, and how long for.
const ALIVE: Duration = Duration::from_secs(20);
/// Requests that wait to be sent on a stream.
const REQUESTS: usize = 64;

/// Where agents call, and who may.
#[derive(Clone)]
pub struct ServerConfig {
    /// The address; port 0 is any that is free.
    pub listen: SocketAddr,
    /// A bearer token that every call is to have; none where anybody may call.
    pub token: Option<String>,
    /// Certificates and private key, as PEM. Without them it is clear text.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Octets of the longest message that is taken; one that is longer ends its call.
    pub longest: usize,
}

impl ServerConfig {
    /// Clear text for anybody, and messages of 1 MiB.
    #[must_use]
    pub const fn new(listen: SocketAddr) -> Self {
        Self { listen, token: None, identity: None, longest: 1 << 20 }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// The number of a stream. No two of a server have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId(u64);

/// What an agent did.
#[derive(Debug)]
pub enum Called {
    /// It called `Reset`, and waits for the answer.
    Reset(Bytes, Reply),
    /// It said something on a stream: a `ReceiveRequestsMessageToController`.
    Said(StreamId, Bytes),
    /// A stream has ended.
    Ended(StreamId),
    /// It called `ExportMetrics` of an era, and was answered.
    Metrics(MetricsEra, Bytes),
}

/// Answers a call. One that is dropped is answered `UNAVAILABLE`.
#[derive(Debug)]
pub struct Reply(oneshot::Sender<StatusCode>);

impl Reply {
    /// The call has ended so.
    pub fn give(self, status: StatusCode) {
        // Who called may have gone.
        let _ = self.0.send(status);
    }
}

/// What goes to an agent.
type ToStream = mpsc::Sender<Result<Bytes, Status>>;

enum Told {
    Opened(StreamId, ToStream),
    Called(Called),
}

/// A place where agents call. When it is dropped all calls end.
pub struct GrpcServer {
    address: SocketAddr,
    told: mpsc::Receiver<Told>,
    streams: Vec<(StreamId, ToStream)>,
    waker: Waker,
    /// Dropped, it ends the thread.
    end: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl GrpcServer {
    /// Takes calls from now on, and wakes a driver for each.
    ///
    /// # Errors
    /// [`StartError`]: the address is taken, the certificate is none, or a token would come
    /// in clear text from other hosts.
    pub fn start(config: &ServerConfig, waker: Waker) -> Result<Self, StartError> {
        if config.token.is_some() && config.identity.is_none() && !config.listen.ip().is_loopback()
        {
            return Err(StartError::ClearText);
        }
        // An agent that is gone without a word is noticed, and none takes all there is.
        let mut server = Server::builder()
            .http2_keepalive_interval(Some(ALIVE))
            .http2_keepalive_timeout(Some(ALIVE))
            .max_concurrent_streams(Some(STREAMS));
        if let Some((certificates, key)) = &config.identity {
            let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificates, key));
            server = server.tls_config(tls).map_err(|error| StartError::Tls(reasons(&error)))?;
        }
        let listener = TcpListener::bind(config.listen).map_err(StartError::System)?;
        listener.set_nonblocking(true).map_err(StartError::System)?;
        let address = listener.local_addr().map_err(StartError::System)?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(StartError::System)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(StartError::System)?
        };
        let (tell, told) = mpsc::channel(CALLS);
        let (end, ended) = oneshot::channel::<()>();
        let shared = Shared {
            tell,
            waker: waker.clone(),
            next: Arc::default(),
            token: config.token.as_ref().map(|token| Arc::from(std::format!("Bearer {token}"))),
            longest: config.longest,
        };
        let thread = thread::Builder::new().name("farpost-grpc".to_owned()).spawn(move || {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(shared.answer(request).await) }
            });
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            runtime.block_on(async {
                tokio::select! {
                    // It ends when it is told to, and by itself never.
                    _ = server.serve_with_incoming(service, incoming) => {}
                    _ = ended => {}
                }
            });
            runtime.shutdown_background();
        });
        let thread = Some(thread.map_err(StartError::System)?);
        Ok(Self { address, told, streams: Vec::new(), waker, end: Some(end), thread })
    }

    /// Where agents call.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an agent did next, if there is anything.
    pub fn next_call(&mut self) -> Option<Called> {
        loop {
            match self.told.try_recv().ok()? {
                Told::Opened(id, stream) => self.streams.push((id, stream)),
                Told::Called(called) => {
                    if let Called::Ended(id) = called {
                        self.close(id);
                    }
                    return Some(called);
                }
            }
        }
    }

    /// Sends a `ReceiveRequestsMessageFromController` on a stream.
    ///
    /// # Errors
    /// [`SendError::Busy`] when 64 wait, [`SendError::Unreachable`] when it has ended.
    pub fn send(&self, id: StreamId, message: &[u8]) -> Result<(), SendError> {
        let stream = self.streams.iter().find(|(stream, _)| *stream == id);
        let (_, stream) = stream.ok_or(SendError::Unreachable)?;
        stream.try_send(Ok(Bytes::copy_from_slice(message))).map_err(|fault| match fault {
            mpsc::error::TrySendError::Full(_) => SendError::Busy,
            mpsc::error::TrySendError::Closed(_) => SendError::Unreachable,
        })
    }

    /// Ends a stream, when what was sent on it has gone.
    pub fn close(&mut self, id: StreamId) {
        self.streams.retain(|(stream, _)| *stream != id);
    }

    /// Has the driver run once more, at once.
    pub(super) fn wake(&self) {
        let _ = self.waker.wake();
    }
}

impl Drop for GrpcServer {
    fn drop(&mut self) {
        self.end = None;
        self.told.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for GrpcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcServer")
            .field("address", &self.address)
            .field("streams", &self.streams.len())
            .finish_non_exhaustive()
    }
}

/// What all calls have in common.
#[derive(Clone)]
struct Shared {
    tell: mpsc::Sender<Told>,
    waker: Waker,
    next: Arc<AtomicU64>,
    /// The `authorization` that calls are to have.
    token: Option<Arc<str>>,
    longest: usize,
}

impl Shared {
    async fn tell(&self, told: Told) -> Result<(), Status> {
        let ended = |_| Status::unavailable("the controller has ended");
        self.tell.send(told).await.map_err(ended)?;
        let _ = self.waker.wake();
        Ok(())
    }

    fn may_call(&self, request: &http::Request<Body>) -> bool {
        let Some(token) = &self.token else { return true };
        let given = request.headers().get("authorization");
        given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(token.as_bytes())))
    }

    async fn answer(self, request: http::Request<Body>) -> http::Response<Body> {
        if !self.may_call(&request) {
            return Status::unauthenticated("the bearer token is not the one").into_http();
        }
        let mut grpc = Grpc::new(RawCodec)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(self.longest);
        let path = request.uri().path().to_owned();
        match path.as_str() {
            method::RESET => {
                let reset = service_fn(move |request: Request<Bytes>| {
                    let shared = self.clone();
                    async move { shared.reset(request.into_inner()).await }
                });
                grpc.unary(reset, request).await
            }
            method::EXPORT_METRICS => self.metrics(MetricsEra::Guide, grpc, request).await,
            method::API_EXPORT_METRICS => self.metrics(MetricsEra::Later, grpc, request).await,
            method::RECEIVE_REQUESTS => {
                let open = service_fn(move |request: Request<Streaming<Bytes>>| {
                    let shared = self.clone();
                    async move { shared.open(request.into_inner()).await }
                });
                grpc.streaming(open, request).await
            }
            _ => Status::unimplemented("no such method").into_http(),
        }
    }

    async fn reset(self, request: Bytes) -> Result<Response<Bytes>, Status> {
        let (give, given) = oneshot::channel();
        self.tell(Told::Called(Called::Reset(request, Reply(give)))).await?;
        match given.await {
            Ok(StatusCode::OK) => Ok(Response::new(Bytes::new())),
            Ok(status) => Err(Status::new(Code::from(status.0), status.name().unwrap_or_default())),
            Err(_) => Err(Status::unavailable("the controller has ended")),
        }
    }

    async fn metrics(
        self,
        era: MetricsEra,
        mut grpc: Grpc<RawCodec>,
        request: http::Request<Body>,
    ) -> http::Response<Body> {
        let export = service_fn(move |request: Request<Bytes>| {
            let shared = self.clone();
            async move {
                shared.tell(Told::Called(Called::Metrics(era, request.into_inner()))).await?;
                Ok::<_, Status>(Response::new(Bytes::new()))
            }
        });
        grpc.unary(export, request).await
    }

    /// Takes a stream, of which what is said is told in order, and then its end.
    async fn open(
        self,
        mut said: Streaming<Bytes>,
    ) -> Result<Response<ReceiverStream<Result<Bytes, Status>>>, Status> {
        let id = StreamId(self.next.fetch_add(1, Ordering::Relaxed));
        let (say, to_agent) = mpsc::channel(REQUESTS);
        self.tell(Told::Opened(id, say)).await?;
        tokio::spawn(async move {
            while let Ok(Some(message)) = said.message().await {
                if self.tell(Told::Called(Called::Said(id, message))).await.is_err() {
                    return;
                }
            }
            let _ = self.tell(Told::Called(Called::Ended(id))).await;
        });
        Ok(Response::new(ReceiverStream::new(to_agent)))
    }
}
