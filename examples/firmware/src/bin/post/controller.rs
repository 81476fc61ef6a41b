//! A schedule that is fed locally: a controller in the place of the one on the ground.

use core::cell::Cell;

use farpost::crypto::{NoRandom, Random};
use farpost::southbound::agent::{Call, Link};
use farpost::southbound::messages::{
    CreateEntryValues, FromControllerValues, RequestValues, Reset, StatusCode, ToController,
};
use farpost::southbound::protobuf::Encode;
use farpost::time::Utc;
use farpost::transport::SendError;
use heapless::String;

use crate::agents::agreed::modem;

/// What the agent has begun.
#[derive(Clone, Copy)]
pub enum Begun {
    Reset(Call),
    Stream(Call),
}

/// The controller, and the way to it.
#[derive(Default)]
pub struct Controller {
    token: String<64>,
    pub begun: Option<Begun>,
    /// Requests it has made, and the answers that were OK.
    seqno: u64,
    pub executed: u32,
}

impl Controller {
    /// A request: from `time` on the modem receives at a frequency.
    pub fn receive_at<'b>(
        &mut self,
        time: Utc,
        center_frequency_hz: u64,
        buffer: &'b mut [u8],
    ) -> Option<&'b [u8]> {
        self.seqno += 1;
        let request_id = i64::try_from(self.seqno).ok()?;
        modem::receive_at(center_frequency_hz, |change| {
            let entry = CreateEntryValues {
                schedule_manipulation_token: &self.token,
                seqno: self.seqno,
                id: if self.seqno == 1 { "first" } else { "second" },
                time: Some(time.into()),
                change: Some(change),
                ..CreateEntryValues::default()
            };
            let request = Some(RequestValues::CreateEntry(&entry));
            FromControllerValues { request_id, request }.encode(buffer).ok()
        })
    }
}

impl Link for Controller {
    fn reset(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        let reset = Reset::parse(request).map_err(|_| SendError::TooLong)?;
        let token = reset.schedule_manipulation_token();
        self.token = String::try_from(token).map_err(|_| SendError::TooLong)?;
        self.begun = Some(Begun::Reset(call));
        Ok(())
    }

    fn open(&mut self, call: Call) -> Result<(), SendError> {
        self.begun = Some(Begun::Stream(call));
        Ok(())
    }

    fn send(&mut self, _call: Call, message: &[u8]) -> Result<(), SendError> {
        let response = ToController::parse(message).ok().and_then(|message| message.response());
        let status = response.and_then(|response| response.status());
        if status.is_some_and(|status| status.code() == StatusCode::OK.0) {
            self.executed += 1;
        }
        Ok(())
    }

    fn close(&mut self, _call: Call) {}

    fn export(&mut self, _call: Call, _request: &[u8]) -> Result<(), SendError> {
        Ok(())
    }
}

/// Numbers for tokens. They count, for nobody but the post itself writes this schedule: a
/// controller that is reached by a network needs a generator in their place.
#[derive(Debug, Default)]
pub struct Counter(Cell<u8>);

impl Random for Counter {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        for octet in octets {
            self.0.set(self.0.get().wrapping_add(1));
            *octet = self.0.get();
        }
        Ok(())
    }
}
