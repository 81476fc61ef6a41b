//! The module on virtual time, clause by clause.

mod audience;
mod change;
mod fixed;
mod harness;
mod ion;
mod joining;
mod length;
mod messages;
mod properties;
mod remote;
mod rules;
mod runs;
mod staying;
