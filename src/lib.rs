//! The protocol stack of a remote sensing post, in one crate: a board that senses
//! spectrum far from its operators links it bare; the ground side links it with
//! `std`.
//!
//! Every exchange is a self-contained letter, no machine ever waits, and nothing is
//! lost because a link was away.
//!
//! | room | system | source |
//! |---|---|---|
//! | [`ams`] | Asynchronous Message Service: messages between modules that find one another | CCSDS 735.1-B-1 |
//! | `scos` (feature `scos`) | sensing devices, their manager and their users | IEEE 802.22.3 |
//! | `southbound` (feature `southbound`) | a schedule of configuration changes from a controller, and metrics to it | Spacetime southbound interface |
//! | `management` (feature `management`) | asynchronous management: rules that act when nobody can be reached | AMA, AMP |
//! | `host` (feature `std`) | sockets, clocks, MIB files, drivers | |
//!
//! Below them lie [`wire`] (octets), [`time`], [`transport`], [`storage`] and
//! [`machine`]: what all rooms share.
//!
//! # How to drive a machine
//!
//! All machines work alike. You lend them the time, a [`transport::Transport`] and,
//! where they have a user, somebody to tell; they do what is due and return. There
//! is no clock, socket, thread, lock, allocation or global inside.
//!
//! 1. Make the storage, which is yours, and the machine over it.
//! 2. Give every datagram that arrives to `receive`.
//! 3. Ask `next_deadline` after each call, and call `tick` when it has come.
//!    Calling too often does no harm.
//!
//! ```
//! use farpost::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
//! use farpost::ams::mib::{Mib, Role, Venture};
//! use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory, RuleRequest};
//! use farpost::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
//! use farpost::ams::service::{Indication, Message};
//! use farpost::time::Now;
//! use farpost::transport::{Address, SendError, Transport};
//!
//! // What the board knows before it starts.
//! const MIB: Mib<'static> = Mib {
//!     config_servers: &["192.0.2.1:2357"],
//!     ventures: &[Venture {
//!         roles: &[Role::new(RoleNumber(2), "thermometer")],
//!         ..Venture::new(VentureNumber(1), "weather", "me")
//!     }],
//!     ..Mib::new(ContinuumNumber::new(1).unwrap(), "field")
//! };
//!
//! // What the board implements: names to addresses, and one datagram out.
//! struct Radio;
//!
//! impl Transport for Radio {
//!     fn resolve(&mut self, _service: &str, endpoint: &str) -> Option<Address> {
//!         Some(Address::new(1, endpoint.get(..9)?.as_bytes()))
//!     }
//!     fn send(&mut self, _to: &Address, _flow: u8, _octets: &[u8]) -> Result<(), SendError> {
//!         Ok(())
//!     }
//! }
//!
//! # fn clock() -> Now { Now::default() }
//! # fn datagram(_: &mut [u8]) -> Option<(Address, usize)> { None }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Room for 8 peers with 32 rules, 4 rules of our own, 1 query; octets for PDUs.
//! let mut memory = ModuleMemory::<8, 32, 4, 1, 512, 256>::new();
//! let identity = ModuleIdentity {
//!     venture: VentureNumber(1),
//!     unit: UnitNumber::ROOT,
//!     role: RoleNumber(2),
//!     contact: ContactSummaryValues {
//!         endpoint: EndpointName::new("192.0.2.7:4000")?,
//!         delivery_vectors: &[DeliveryVectorValues {
//!             number: 1,
//!             points: &[DeliveryPoint { service: "udp", endpoint: "192.0.2.7:4001" }],
//!         }],
//!     },
//!     first_query: 1,
//! };
//! let mut module = Module::new(&MIB, identity, memory.storage());
//! let mut told = |indication: Indication| println!("{indication:?}");
//! module.register(clock(), &mut Radio, &mut told)?;
//!
//! let mut buffer = [0; 512];
//! for _turn in 0..3 {
//!     let now = clock();
//!     while let Some((from, length)) = datagram(&mut buffer) {
//!         module.receive_mams(now, &from, &buffer[..length], &mut Radio, &mut told);
//!     }
//!     if module.next_deadline().is_some_and(|deadline| now.monotonic >= deadline) {
//!         module.tick(now, &mut Radio, &mut told);
//!     }
//!     if module.id().is_some() {
//!         let message = Message::new(SubjectNumber(1), b"21.5");
//!         module.publish(&message, &mut Radio, &mut told)?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Promises
//!
//! - Nothing received makes the library panic, allocate or loop longer than its
//!   input. What breaks a rule of a source text is refused by name and counted.
//! - There is no unsafe code, and without `alloc` no allocation.
//! - A table that is full says so, as a value or a counter, and loses nothing it holds.
//! - Features add; none changes what goes on the wire.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `std` | `host`: sockets, clocks, MIB files, drivers, sensing, drawings; `alloc` and `scos` |
//! | `alloc` | conveniences that allocate |
//! | `scos` | the SCOS machines |
//! | `southbound` | the messages and the agent of the southbound interface |
//! | `management` | asynchronous management |
//! | `flash` | [`store`] in the flash of a board |
//! | `ed25519` | signatures of MPDUs, and proofs of SCOS devices, with Ed25519 |
//! | `aead` | messages encrypted with AES-256-GCM-SIV |
//! | `defmt` | `defmt::Format` on public types |
//! | `tls-psk` | TLS 1.3 with pre-shared keys for SCOS on hosts |
//! | `grpc` | the southbound interface by gRPC on hosts |
//! | `cli` | the `farpost` host tool |
#![no_std]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;
// What integration tests use too names the crate as they do.
#[cfg(test)]
extern crate self as farpost;

pub mod ams;
pub mod crypto;
#[cfg(feature = "std")]
pub mod host;
pub mod machine;
#[cfg(feature = "management")]
pub mod management;
#[cfg(feature = "scos")]
pub mod scos;
#[cfg(feature = "southbound")]
pub mod southbound;
pub mod storage;
pub mod store;
pub mod time;
pub mod transport;
pub mod wire;

/// The examples of the README are compiled as tests.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// And those of the guide to porting.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../docs/porting.md")]
struct Porting;
