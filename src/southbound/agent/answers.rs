//! Answers that the link has not taken yet.

use crate::southbound::messages::StatusCode;

/// Room for an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer {
    pub(super) request_id: i64,
    pub(super) code: u8,
    /// It promises something that has to be durable first.
    pub(super) promises: bool,
}

impl Answer {
    /// Room for one that is not there yet.
    pub const EMPTY: Self = Self { request_id: 0, code: 0, promises: false };
}

/// Answers in the order in which they are to be sent.
#[derive(Debug)]
pub(super) struct Answers<'s> {
    room: &'s mut [Answer],
    length: usize,
}

impl<'s> Answers<'s> {
    pub(super) const fn new(room: &'s mut [Answer]) -> Self {
        Self { room, length: 0 }
    }

    pub(super) const fn has_room(&self) -> bool {
        self.length < self.room.len()
    }

    /// Adds one. Without room it is lost, and false is returned.
    pub(super) fn add(&mut self, request_id: i64, code: StatusCode, promises: bool) -> bool {
        let Some(slot) = self.room.get_mut(self.length) else { return false };
        let code = u8::try_from(code.0).unwrap_or_default();
        *slot = Answer { request_id, code, promises };
        self.length = self.length.saturating_add(1);
        true
    }

    pub(super) const fn clear(&mut self) {
        self.length = 0;
    }

    /// What was to be promised cannot be.
    pub(super) fn withdraw(&mut self) {
        for answer in self.room.iter_mut().take(self.length).filter(|answer| answer.promises) {
            answer.code = 14;
            answer.promises = false;
        }
    }

    /// Sends what `send` takes, in order.
    pub(super) fn send(&mut self, mut send: impl FnMut(i64, StatusCode) -> bool) {
        let mut sent = 0_usize;
        for answer in self.room.iter().take(self.length) {
            if !send(answer.request_id, StatusCode(answer.code.into())) {
                break;
            }
            sent = sent.saturating_add(1);
        }
        for place in sent..self.length {
            let answer = self.room.get(place).copied().unwrap_or_default();
            if let Some(slot) = self.room.get_mut(place.saturating_sub(sent)) {
                *slot = answer;
            }
        }
        self.length = self.length.saturating_sub(sent);
    }
}
