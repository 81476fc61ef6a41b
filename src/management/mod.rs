//! Asynchronous management (AMA): what a post does by itself when nobody can reach it.
//!
//! | part | source | module |
//! |---|---|---|
//! | the octets of AMP | draft-birrane-dtn-amp-08 | [`amp`] |

pub mod amp;
