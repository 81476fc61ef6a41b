//! A controller for trials: it takes what agents call, and says what a test tells it to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bytes::Bytes;
use farpost::host::grpc::RawCodec;
use farpost::southbound::method;
use http::HeaderMap;
use tokio::net::TcpSocket;
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

/// What an agent did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A call began: its path, and headers that matter.
    Call { path: String, authorization: Option<String>, encoding: Option<String>, accepts: String },
    /// `Reset`, with its request.
    Reset(Bytes),
    /// A message on a stream.
    Said(Bytes),
    /// The agent ended a stream, or its connection did.
    Ended,
    /// `ExportMetrics`, with its request.
    Metrics(Bytes),
    /// How the answer to a call is encoded.
    Answered(Option<String>),
}

/// What goes to the agent on the stream that was opened last.
type Stream = mpsc::Sender<Result<Bytes, Status>>;

#[derive(Default)]
struct Conduct {
    stream: Option<Stream>,
    /// Codes that calls are answered with; OK where there are none.
    reset: Option<Code>,
    metrics: Option<Code>,
    opening: Option<Code>,
}

#[derive(Clone)]
struct Shared {
    conduct: Arc<Mutex<Conduct>>,
    seen: Sender<Seen>,
}

/// A place for a controller that is not there yet: nobody else gets the port, and who
/// connects is refused.
pub(crate) struct Place {
    socket: TcpSocket,
    address: SocketAddr,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let address = socket.local_addr().unwrap();
        Self { socket, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

pub(crate) struct Controller {
    pub(crate) address: SocketAddr,
    shared: Shared,
    seen: Receiver<Seen>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Controller {
    pub(crate) fn new() -> Self {
        Self::start(Place::new(), None)
    }

    /// A controller at `place`; with an identity, over TLS.
    pub(crate) fn start(place: Place, identity: Option<Identity>) -> Self {
        let (tell, seen) = channel();
        let shared = Shared { conduct: Arc::default(), seen: tell };
        let (end, ended) = oneshot::channel::<()>();
        let (address, server) = (place.address, shared.clone());
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(place, server, identity) => {}
                    _ = ended => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { address, shared, seen, end: Some(end), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was seen since this was asked before.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }

    /// What is seen next, until a time.
    pub(crate) fn next(&self, until: Instant) -> Option<Seen> {
        self.seen.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
    }

    fn conduct(&self) -> MutexGuard<'_, Conduct> {
        self.shared.conduct.lock().unwrap()
    }

    /// What `Reset` is answered with from now on.
    pub(crate) fn answer_reset(&self, code: Code) {
        self.conduct().reset = Some(code);
    }

    /// What `ExportMetrics` is answered with from now on.
    pub(crate) fn answer_metrics(&self, code: Code) {
        self.conduct().metrics = Some(code);
    }

    /// What opening a stream is answered with from now on.
    pub(crate) fn answer_opening(&self, code: Code) {
        self.conduct().opening = Some(code);
    }

    /// Says something on the stream.
    pub(crate) fn say(&self, message: impl Into<Bytes>) {
        let stream = self.conduct().stream.clone().expect("a stream is open");
        stream.try_send(Ok(message.into())).expect("there is room");
    }

    /// Ends the stream, as one that is done or with a code.
    pub(crate) fn close(&self, code: Code) {
        let stream = self.conduct().stream.take().expect("a stream is open");
        if code != Code::Ok {
            stream.try_send(Err(Status::new(code, "as the test says"))).expect("there is room");
        }
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(place: Place, shared: Shared, identity: Option<Identity>) {
    let incoming = TcpIncoming::from(place.socket.listen(64).unwrap());
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(shared.answer(request).await) }
    });
    let mut server = Server::builder();
    if let Some(identity) = identity {
        server = server.tls_config(ServerTlsConfig::new().identity(identity)).unwrap();
    }
    server.serve_with_incoming(service, incoming).await.unwrap();
}

impl Shared {
    fn tell(&self, seen: Seen) {
        // The test may be over.
        let _ = self.seen.send(seen);
    }

    async fn answer(&self, request: http::Request<Body>) -> http::Response<Body> {
        let path = request.uri().path().to_owned();
        let headers = request.headers();
        self.tell(Seen::Call {
            path: path.clone(),
            authorization: text(headers, "authorization"),
            encoding: text(headers, "grpc-encoding"),
            accepts: text(headers, "grpc-accept-encoding").unwrap_or_default(),
        });
        let mut grpc = Grpc::new(RawCodec)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        let shared = self.clone();
        let answer = match path.as_str() {
            method::RESET => {
                let reset = service_fn(move |request: Request<Bytes>| {
                    let code = shared.conduct.lock().unwrap().reset;
                    shared.tell(Seen::Reset(request.into_inner()));
                    async move { empty(code) }
                });
                grpc.unary(reset, request).await
            }
            method::EXPORT_METRICS | method::API_EXPORT_METRICS => {
                let export = service_fn(move |request: Request<Bytes>| {
                    let code = shared.conduct.lock().unwrap().metrics;
                    shared.tell(Seen::Metrics(request.into_inner()));
                    async move { empty(code) }
                });
                grpc.unary(export, request).await
            }
            method::RECEIVE_REQUESTS => {
                let open = service_fn(move |request: Request<Streaming<Bytes>>| {
                    let shared = shared.clone();
                    async move { shared.open(request.into_inner()).await }
                });
                grpc.streaming(open, request).await
            }
            _ => Status::unimplemented("no such method").into_http(),
        };
        self.tell(Seen::Answered(text(answer.headers(), "grpc-encoding")));
        answer
    }

    /// Takes a stream. Nothing is said, headers included, before the agent has: so do
    /// controllers that are written in Go.
    async fn open(
        &self,
        mut said: Streaming<Bytes>,
    ) -> Result<Response<ReceiverStream<Result<Bytes, Status>>>, Status> {
        if let Some(code) = self.conduct.lock().unwrap().opening {
            empty(Some(code))?;
        }
        let first = said.message().await?;
        let (say, to_agent) = mpsc::channel(64);
        self.conduct.lock().unwrap().stream = Some(say);
        if let Some(first) = first {
            self.tell(Seen::Said(first));
        }
        let shared = self.clone();
        tokio::spawn(async move {
            while let Ok(Some(message)) = said.message().await {
                shared.tell(Seen::Said(message));
            }
            shared.tell(Seen::Ended);
        });
        Ok(Response::new(ReceiverStream::new(to_agent)))
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().unwrap().to_owned())
}

fn empty(code: Option<Code>) -> Result<Response<Bytes>, Status> {
    match code {
        None | Some(Code::Ok) => Ok(Response::new(Bytes::new())),
        Some(code) => Err(Status::new(code, "as the test says")),
    }
}
