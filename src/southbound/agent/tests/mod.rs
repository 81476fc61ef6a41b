//! Tests of the agent, on virtual time.

mod bench;
mod model;
mod properties;
mod requests;
mod scenarios;
mod session;
mod simulation;
mod survival;
mod telemetry;
mod time;
