//! The southbound interface by gRPC: an agent of this host and its controller, and
//! controllers of this host and the agents that call them. Feature `grpc`.
//!
//! gRPC and its HTTP/2 are tonic's, in a thread of their own. What goes over it are the
//! octets that [`southbound`](crate::southbound) writes and reads: no code is generated and
//! no other encoding is there.
//!
//! ```text
//!    thread of the driver                            thread of gRPC
//!
//!    AgentHost ── Agent ── Device
//!        │          │ Link
//!        │       GrpcLink ──── calls, messages ────▶ a task for each call ──▶ controller
//!        ◀── Waker ─┴───────── 32 outcomes ◀────────
//! ```
//!
//! Nothing here waits for the other side. What comes when 32 outcomes wait stays with the
//! controller, by the flow control of HTTP/2; what an agent says when 64 messages wait is
//! refused, and offered again by the agent.
//!
//! The other side is the same the other way round: agents call a [`GrpcServer`], and a
//! [`ControllerHost`] has a controller for each. An agent that is not served is answered
//! `NOT_FOUND`, one without the token `UNAUTHENTICATED`.
//!
//! | what | how |
//! |---|---|
//! | `http://` | HTTP/2 in clear text, for this host and for trusted networks |
//! | `https://` | TLS 1.2 or 1.3 by rustls; roots of the system, or those that are given |
//! | compression | gzip is taken, and sent where that is asked for |
//! | authorization | [`Credentials`], asked before each call; never sent in clear text to another host |
//! | keep-alive | a ping every 30 s while the stream is open; 20 s without an answer end it |
//! | attempts | the agent's: a call that fails is not made again here |

mod agent;
mod codec;
mod config;
mod controller;
mod credentials;
mod link;
mod server;

pub use agent::{AgentHost, AgentMemory};
pub use codec::{Octets, RawCodec};
pub use config::{GrpcConfig, MetricsEra, StartError};
pub use controller::{AgentsUser, ControllerHost, ControllerMemory};
pub use credentials::{BearerFile, BearerToken, Credentials, NoCredentials, NotAToken};
pub use link::{Fault, GrpcLink, LinkStats, Outcome};
pub use server::{Called, GrpcServer, Reply, ServerConfig, StreamId};
