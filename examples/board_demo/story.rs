//! What happens, whatever carries it.

use std::error::Error;

use farpost::scos::actor::Actor;
use farpost::time::Now;

use super::journal::{Journal, SharedJournal};
use super::script::{self, Ask};

/// Where it happens: the stations on this side, the board, and what runs them.
pub(crate) trait Stage<'a> {
    /// Has the stations begin.
    fn begin(&mut self) -> Result<(), Box<dyn Error>>;

    /// Runs all of them once. Returns the time of it.
    fn turn(&mut self) -> Result<Now, Box<dyn Error>>;

    /// Who asks.
    fn actor(&mut self) -> &mut Actor<'a>;

    /// The SSM ends without a word, and another run of it begins.
    fn restart_manager(&mut self, now: Now) -> Result<(), Box<dyn Error>>;
}

/// Plays the story to its end (true), or until the time is over (false).
pub(crate) fn play(
    stage: &mut dyn Stage<'_>,
    journal: &SharedJournal,
) -> Result<bool, Box<dyn Error>> {
    stage.begin()?;
    let Some(now) = settle(stage, journal)? else { return Ok(false) };
    ask(stage, journal, &script::FIRST, now)?;
    let Some(now) = settle(stage, journal)? else { return Ok(false) };
    Journal::tell(now, "ssm", "is killed and starts anew");
    journal.borrow_mut().another_manager();
    stage.restart_manager(now)?;
    let Some(now) = settle(stage, journal)? else { return Ok(false) };
    ask(stage, journal, &script::SECOND, now)?;
    Ok(settle(stage, journal)?.is_some())
}

/// Runs until the device can be asked and all that was asked is reported.
fn settle(
    stage: &mut dyn Stage<'_>,
    journal: &SharedJournal,
) -> Result<Option<Now>, Box<dyn Error>> {
    loop {
        let now = stage.turn()?;
        if journal.borrow().is_settled() {
            return Ok(Some(now));
        }
        if now.utc.since(script::START) > script::LIMIT {
            return Ok(None);
        }
    }
}

/// Has the Actor ask.
fn ask(
    stage: &mut dyn Stage<'_>,
    journal: &SharedJournal,
    asks: &[Ask],
    now: Now,
) -> Result<(), Box<dyn Error>> {
    for ask in asks {
        let request = stage.actor().request(&ask.wish(now.utc))?;
        journal.borrow_mut().asked(now, request, ask);
    }
    Ok(())
}
