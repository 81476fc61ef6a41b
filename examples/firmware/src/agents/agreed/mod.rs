//! What a board and its ground side have agreed upon: the ADM of the front-end and the rule
//! about it, the change that tunes it, how both carry the RPCs of the southbound interface, and
//! who is who in their message space.
//! The ground side of `board_demo` is built of the same files.

pub(crate) mod adm;
pub(crate) mod carriage;
pub(crate) mod modem;
pub(crate) mod rule;
pub(crate) mod space;
