//! Asynchronous management (AMA): what a post does by itself when nobody can reach it.
//!
//! | part | source | module |
//! |---|---|---|
//! | application data models: what there is to manage | adm-ionadmin-01 | [`adm`] |
//! | the agent: it collects, reports and acts by rule | draft-birrane-dtn-ama-07 | [`agent`] |
//! | a node that the ION Admin ADM is about | adm-ionadmin-01 | [`ion`] |
//! | the manager: it has agents do things and hears what they report | draft-birrane-dtn-ama-07 | [`manager`] |
//! | the octets of AMP | draft-birrane-dtn-amp-08 | [`amp`] |
//! | how they ride in messages of AMS | | [`carriage`] |

pub mod adm;
pub mod agent;
pub mod amp;
mod arena;
pub mod carriage;
mod definitions;
mod expression;
pub mod ion;
pub mod manager;
mod number;
mod refusal;
mod timing;

pub use definitions::{Definition, Kind};
pub use expression::{NoValue, STACK};
pub use number::{Class, NoResult, Number, Operator};
pub use refusal::Refusal;
