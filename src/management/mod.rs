//! Asynchronous management (AMA): what a post does by itself when nobody can reach it.
//!
//! | part | source | module |
//! |---|---|---|
//! | application data models: what there is to manage | adm-ionadmin-01 | [`adm`] |
//! | the octets of AMP | draft-birrane-dtn-amp-08 | [`amp`] |

pub mod adm;
pub mod amp;
