//! Protocol machines in a network that loses, delays, duplicates and reorders,
//! on virtual time: what they come to in the end is right, and the same seed
//! brings the same run.

mod cell;
mod convergence;
mod network;
