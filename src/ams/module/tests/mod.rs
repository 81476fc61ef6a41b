//! The module on virtual time, clause by clause.

mod audience;
mod harness;
mod ion;
mod joining;
mod messages;
mod properties;
mod rules;
mod runs;
mod staying;
