//! The module on virtual time, clause by clause.

mod harness;
mod ion;
mod joining;
mod messages;
mod properties;
mod rules;
mod staying;
