//! What happens, whatever carries it.

use std::error::Error;

use farpost::scos::actor::Actor;
use farpost::time::Now;

use super::journal::{Journal, SharedJournal};
use super::script::{self, Ask};
use super::space::Space;

/// Where it happens: the stations on this side, the board, and what runs them.
pub(crate) trait Stage<'a> {
    /// Has the stations begin.
    fn begin(&mut self) -> Result<(), Box<dyn Error>>;

    /// Runs all of them once. Returns the time of it.
    fn turn(&mut self) -> Result<Now, Box<dyn Error>>;

    /// Who asks.
    fn actor(&mut self) -> &mut Actor<'a>;

    /// The message space, and who manages the board there.
    fn space(&mut self) -> &mut Space<'a>;

    /// The SSM ends without a word, and another run of it begins.
    fn restart_manager(&mut self, now: Now) -> Result<(), Box<dyn Error>>;

    /// Prints the sums that are not the journal's. True if they are right.
    fn summarise(&self) -> bool;
}

/// Plays the story and prints its sums. True if they are right.
pub(crate) fn tell(
    stage: &mut dyn Stage<'_>,
    journal: &SharedJournal,
) -> Result<bool, Box<dyn Error>> {
    let finished = play(stage, journal)?;
    let right = journal.borrow().summarise(finished);
    Ok(stage.summarise() && right)
}

/// Plays the story to its end (true), or until the time is over (false).
fn play(stage: &mut dyn Stage<'_>, journal: &SharedJournal) -> Result<bool, Box<dyn Error>> {
    stage.begin()?;
    let Some(now) = settle(stage, journal)? else { return Ok(false) };
    ask(stage, journal, &script::FIRST, now)?;
    let Some(now) = settle(stage, journal)? else { return Ok(false) };
    Journal::tell(now, "ssm", "is killed and starts anew");
    journal.borrow_mut().another_manager();
    stage.restart_manager(now)?;
    let Some(now) = settle(stage, journal)? else { return Ok(false) };
    ask(stage, journal, &script::SECOND, now)?;
    let Some(now) = settle(stage, journal)? else { return Ok(false) };
    stage.space().close(now)?;
    Ok(until(stage, |stage| stage.space().is_closed())?.is_some())
}

/// Runs until the device can be asked and all that was asked is reported.
fn settle(
    stage: &mut dyn Stage<'_>,
    journal: &SharedJournal,
) -> Result<Option<Now>, Box<dyn Error>> {
    until(stage, |stage| journal.borrow().is_settled() && stage.space().is_ready())
}

/// Runs until something is so.
fn until(
    stage: &mut dyn Stage<'_>,
    is_so: impl Fn(&mut dyn Stage<'_>) -> bool,
) -> Result<Option<Now>, Box<dyn Error>> {
    loop {
        let now = stage.turn()?;
        if is_so(stage) {
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
