//! Reaching the controller: reset, stream, hello, and the answers.

use super::pace::Attempts;
use super::{Agent, Call, Device, Event, Link, StreamPolicy};
use crate::machine::count;
use crate::southbound::messages::{
    HelloValues, ResetValues, ResponseValues, StatusCode, StatusValues, ToControllerValues,
};
use crate::southbound::protobuf::Encode;
use crate::time::{Instant, Now};
use core::time::Duration;

/// When what the link did not take is offered again.
const AGAIN: Duration = Duration::from_millis(250);

/// Where the way to the controller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LinkState {
    /// Nothing is under way; the next attempt waits for its time.
    Down,
    /// `Reset` is called.
    Resetting,
    /// The stream is being opened.
    Opening,
    /// The stream is open.
    Open,
}

/// The way to the controller.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) state: LinkState,
    pub(super) call: Call,
    /// The next attempt.
    pub(super) attempts: Attempts,
    /// When what is under way is given up.
    deadline: Instant,
    /// The hello is still to be said.
    owes_hello: bool,
    /// The controller has said something on this stream.
    heard: bool,
    /// When what the link did not take is offered again; never while there is nothing.
    again: Instant,
    /// Answers were lost, or what came made no sense: the stream is to be closed.
    pub(super) broken: bool,
}

impl Session {
    pub(super) const NEW: Self = Self {
        state: LinkState::Down,
        call: Call(0),
        attempts: Attempts::NEW,
        deadline: Instant::MAX,
        owes_hello: false,
        heard: false,
        again: Instant::MAX,
        broken: false,
    };

    /// Whether a message of this call is one of the stream that is open.
    pub(super) fn is_open(&mut self, call: Call) -> bool {
        let open = self.state == LinkState::Open && self.call == call;
        self.heard |= open;
        open
    }
}

impl Agent<'_> {
    /// The end of a call of [`Link::reset`].
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn reset_done(
        &mut self,
        now: Now,
        call: Call,
        status: StatusCode,
        link: &mut dyn Link,
        device: &mut dyn Device,
    ) {
        if self.session.state != LinkState::Resetting || self.session.call != call {
            return count(&mut self.stats.stale_calls);
        }
        self.session.state = LinkState::Down;
        if status == StatusCode::OK {
            self.renewed(now, device);
            self.session.attempts.due = Instant::ZERO;
        } else {
            self.call_failed(now);
        }
        self.tick(now, link, device);
    }

    /// The stream of a call of [`Link::open`] is open.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn stream_opened(
        &mut self,
        now: Now,
        call: Call,
        link: &mut dyn Link,
        device: &mut dyn Device,
    ) {
        if self.session.state != LinkState::Opening || self.session.call != call {
            return count(&mut self.stats.stale_calls);
        }
        self.session.state = LinkState::Open;
        (self.session.owes_hello, self.session.heard) = (true, false);
        count(&mut self.stats.streams);
        device.event(now, Event::Connected);
        self.tick(now, link, device);
    }

    /// The stream of a call of [`Link::open`] has ended, or was never opened.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn stream_closed(
        &mut self,
        now: Now,
        call: Call,
        link: &mut dyn Link,
        device: &mut dyn Device,
    ) {
        let is_ours = matches!(self.session.state, LinkState::Opening | LinkState::Open);
        if !is_ours || self.session.call != call {
            return count(&mut self.stats.stale_calls);
        }
        self.stream_ended(now, device);
        self.tick(now, link, device);
    }

    /// The stream is over. What was not answered comes again on the next one.
    fn stream_ended(&mut self, now: Now, device: &mut dyn Device) {
        let was_open = self.session.state == LinkState::Open;
        self.session.state = LinkState::Down;
        self.session.broken = false;
        // By the next stream nobody knows the requests of this one by their IDs.
        self.answers.clear();
        self.schedule.drop_unanswered();
        if !was_open {
            return self.call_failed(now);
        }
        count(&mut self.stats.streams_ended);
        // A controller that takes a stream and says nothing is not one that works.
        if self.session.heard {
            self.session.attempts.succeed();
        }
        self.session.attempts.fail(now.monotonic, &self.config.pace, self.config.random);
        if self.config.on_stream_end == StreamPolicy::Renew {
            self.renew();
        }
        device.event(now, Event::Disconnected);
    }

    fn call_failed(&mut self, now: Now) {
        count(&mut self.stats.failed_calls);
        self.session.attempts.fail(now.monotonic, &self.config.pace, self.config.random);
    }

    /// Does what is due on the way to the controller.
    pub(super) fn reach(&mut self, now: Now, link: &mut dyn Link, device: &mut dyn Device) {
        let must_close = self.session.broken || self.journal.renewing;
        let is_late = self.session.deadline <= now.monotonic;
        match self.session.state {
            LinkState::Open if must_close => {
                link.close(self.session.call);
                self.stream_ended(now, device);
            }
            LinkState::Resetting | LinkState::Opening if is_late => {
                link.close(self.session.call);
                self.session.state = LinkState::Down;
                self.call_failed(now);
            }
            _ => {}
        }
        if self.session.state == LinkState::Down
            && self.session.attempts.is_due(now.monotonic)
            && self.journal.is_clean()
        {
            self.connect(now, link);
        }
        if self.session.state == LinkState::Open {
            self.speak(now, link);
        }
    }

    fn connect(&mut self, now: Now, link: &mut dyn Link) {
        if self.journal.renewing && self.fresh.is_none() {
            let Some(token) = super::token::Token::random(self.config.random) else {
                count(&mut self.stats.no_random);
                return self.call_failed(now);
            };
            self.fresh = Some(token);
        }
        let call = Call(self.last_call.0.wrapping_add(1));
        (self.last_call, self.session.call) = (call, call);
        let (state, begun) = match self.fresh.filter(|_| self.journal.renewing) {
            Some(token) => {
                let text = token.text();
                let reset = ResetValues {
                    agent_id: self.config.agent_id,
                    schedule_manipulation_token: core::str::from_utf8(&text).unwrap_or_default(),
                };
                let octets = reset.encode(self.buffer).unwrap_or_default();
                (LinkState::Resetting, link.reset(call, octets))
            }
            None => (LinkState::Opening, link.open(call)),
        };
        if begun.is_err() {
            return self.call_failed(now);
        }
        self.session.state = state;
        self.session.deadline = now.monotonic.after(self.config.answer_timeout);
    }

    /// Says what is owed on the stream: the hello first, then answers.
    pub(super) fn speak(&mut self, now: Now, link: &mut dyn Link) {
        if self.session.state != LinkState::Open {
            return;
        }
        let call = self.session.call;
        let mut refused = false;
        if self.session.owes_hello {
            let hello = HelloValues { agent_id: self.config.agent_id };
            let message = ToControllerValues { hello: Some(hello), response: None };
            let octets = message.encode(self.buffer).unwrap_or_default();
            refused = link.send(call, octets).is_err();
            self.session.owes_hello = refused;
        }
        if !refused {
            let (buffer, stats) = (&mut *self.buffer, &mut self.stats);
            self.answers.send(|request_id, code| {
                let status = StatusValues { code: code.0, ..StatusValues::default() };
                let response = ResponseValues { request_id, status: Some(status) };
                let message = ToControllerValues { hello: None, response: Some(response) };
                let octets = message.encode(buffer).unwrap_or_default();
                let taken = link.send(call, octets).is_ok();
                if taken {
                    count(&mut stats.answers);
                }
                refused |= !taken;
                taken
            });
        }
        self.session.again = if refused { now.monotonic.after(AGAIN) } else { Instant::MAX };
    }

    /// When something is due on the way to the controller.
    pub(super) const fn reach_due(&self) -> Instant {
        match self.session.state {
            LinkState::Down if self.journal.is_clean() => self.session.attempts.due,
            LinkState::Down => Instant::MAX,
            LinkState::Resetting | LinkState::Opening => self.session.deadline,
            LinkState::Open => self.session.again,
        }
    }
}
