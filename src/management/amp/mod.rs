//! The Asynchronous Management Protocol: octets of draft-birrane-dtn-amp-08.
//!
//! | encoding | clause | file | types |
//! |---|---|---|---|
//! | CBOR heads, floats | 8.1, 8.2.1 | `cbor.rs`, `float.rs` | |
//! | types, nicknames, operation codes | 7.1, 8.2, 9.1; adm-03 5.4 | `types.rs` | [`TypeCode`], [`Collection`], [`Nickname`], [`Opcode`] |
//! | values | 8.2.1, 8.2.2 | `value.rs` | [`Value`] |
//! | time values | 8.2.2.2 | `profile.rs` | [`Epoch`], [`TimeValue`] |
//! | types, names and values | 8.2.2.3, 8.2.3.1 | `tnvc.rs` | [`Tnv`], [`Tnvc`], [`TnvcValues`], [`TnvcWriter`] |
//! | collections, expressions | 8.2.3.2, 8.2.3.3 | `collection.rs` | [`Ac`], [`Expr`] |
//! | identifiers | 8.3 | `ari.rs` | [`Ari`], [`AriValues`], [`Literal`] |
//! | objects | 8.4 | `object.rs` | [`Mac`], [`Rptt`], [`Rpt`], [`Sbr`], [`Tbl`], [`Tbr`], [`Var`], [`Object`] |
//! | messages and groups | 9.2 to 9.7 | `message.rs` | [`Message`], [`Group`], [`GroupWriter`] |
//! | what ION does differently | | `profile.rs` | [`Profile`], [`Quirks`] |
//!
//! An AMP object is not a CBOR item: identifiers, typed collections and expressions
//! are raw octets with CBOR items among them. `walk.rs` is the one reader of all of
//! them. It has no recursion, and refuses what lies deeper within one another than
//! [`MAX_NESTING`].
//!
//! A view ([`Ari`], [`Ac`], [`Group`] …) borrows octets that have been found
//! well-formed, and reads them again, lazily and without failing, when it is asked.
//! What is to be written are values structs and writers; writing fails for want of
//! space only. Definitions are kept as the octets they came in.
//!
//! # Strictness
//!
//! With [`Profile::Draft08`] every "MUST" of the draft is held to: definite lengths,
//! shortest forms, no tags, UTF-8. [`Profile::IonCompat`] besides accepts the
//! [`Quirks`] of ION, which are noted by name, and nothing else.
//!
//! The two profiles read the same octets as the same thing, except a BYTE of 24 or more.

mod ari;
mod cbor;
mod collection;
mod float;
mod item;
mod message;
mod object;
mod profile;
mod rule;
mod tnvc;
mod types;
mod value;
mod walk;
mod write;

pub use ari::{Ari, AriValues, Literal, Name, ObjectId};
pub use collection::{Ac, Aris, Expr};
pub(super) use float::widened;
pub use message::{
    Body, Group, GroupWriter, Message, MessageHeader, Messages, Recipients, Reports, Tables,
    write_agent_id, write_recipients,
};
pub use object::{
    Definition, Mac, Object, Rows, Rpt, RptParts, Rptt, Sbr, SbrParts, Tbl, Tbr, TbrParts, Var,
};
pub use profile::{Epoch, Profile, Quirks, TimeValue};
pub use rule::{AmpRule, Malformed};
pub use tnvc::{Entries, Entry, Tnv, TnvValues, Tnvc, TnvcValues, TnvcWriter};
pub use types::{Collection, Nickname, Opcode, TypeCode};
pub use value::Value;
pub use walk::MAX_NESTING;
pub use write::{ArrayWriter, BytesWriter};
