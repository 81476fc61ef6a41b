//! The side of the device.

use super::DeviceSigner;
use crate::crypto::KeyUnusable;
use crate::scos::link::LinkStats;
use crate::scos::messages::{
    Associate, Associated, Association, AssociationRefusal, AssociationRefused, Binding, Challenge,
    Nonce, Proof, SIGNATURE_MAX, ScheduleMark,
};
use crate::scos::retry::{Backoff, Jitter, Retry};
use crate::time::Instant;
use crate::transport::{Address, Transport};

/// Requests to disassociate that may stay unanswered before the device leaves
/// without an answer.
const FAREWELLS: u8 = 4;

/// What became of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AssociationEvent {
    /// The SSM has admitted the device.
    Associated,
    /// The SSM refuses; the device goes on asking.
    Refused(AssociationRefusal),
    /// The SSM has not answered for the whole TTL, or has forgotten the device; it
    /// asks anew.
    Lost,
    /// The device has left, as it was told to.
    Left,
    /// The SSM asks for a proof, and the device has no private key to give one with, or
    /// it cannot be used. The device goes on asking.
    CannotProve,
}

/// What an answer of the SSM means to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Granted as new: the SSM knows nothing of the device.
    New,
    /// Granted; all goes on.
    Refreshed,
    /// The device has left.
    Left,
    /// Not an answer to the request that is open.
    Stale,
}

/// The association of a device.
#[derive(Debug)]
pub(crate) struct DeviceAssociation<'s> {
    device: &'s str,
    public_key: &'s [u8],
    boot: u32,
    /// Where an SSM is found when none is known.
    first_contact: Address,
    /// The SSM that granted.
    ssm: Address,
    /// The run of that SSM.
    epoch: u32,
    /// The request that is open.
    open: Option<Association>,
    retry: Retry,
    backoff: Backoff,
    /// The number of the last request, and when it was sent.
    sequence: u32,
    asked: Instant,
    /// When the SSM stops waiting; `None` when not associated.
    expires: Option<Instant>,
    refresh_at: Instant,
    jitter: Jitter,
    signer: Option<DeviceSigner<'s>>,
    /// What to sign in the next request, where the SSM has asked for that.
    nonce: Option<Nonce>,
    /// The transport did not take the last request to the SSM: it may be elsewhere now.
    moved: bool,
    /// The last request had no nonce, so that a challenge may answer it.
    unchallenged: bool,
    /// The value of the connection, to notice another one.
    connection: Option<[u8; 32]>,
}

impl<'s> DeviceAssociation<'s> {
    /// Not associated yet, and due to ask.
    pub(crate) const fn new(
        device: &'s str,
        public_key: &'s [u8],
        boot: u32,
        first_contact: Address,
        backoff: Backoff,
        seed: u64,
    ) -> Self {
        Self {
            device,
            public_key,
            boot,
            first_contact,
            ssm: first_contact,
            epoch: 0,
            open: Some(Association::New),
            retry: Retry::NOW,
            backoff,
            sequence: 0,
            asked: Instant::ZERO,
            expires: None,
            refresh_at: Instant::MAX,
            jitter: Jitter::new(seed),
            signer: None,
            nonce: None,
            moved: false,
            unchallenged: false,
            connection: None,
        }
    }

    /// Proves from now on that it has the private key.
    pub(crate) const fn set_signer(&mut self, signer: DeviceSigner<'s>) {
        self.signer = Some(signer);
    }

    /// The connection to the SSM is a new one, which the SSM has yet to hear by.
    pub(crate) const fn reconnected(&mut self) {
        if self.open.is_some() {
            self.retry = Retry::NOW;
        } else if self.expires.is_some() {
            self.ask(Association::Refresh);
        }
    }

    /// The number of this run, once what is kept tells it.
    pub(crate) const fn set_boot(&mut self, boot: u32) {
        self.boot = boot;
    }

    pub(crate) const fn boot(&self) -> u32 {
        self.boot
    }

    /// Associates again after leaving, or stays when it has not left yet.
    pub(crate) const fn join(&mut self) {
        match (self.open, self.expires) {
            (None, None) => self.ask(Association::New),
            // The SSM may have let it go already, and says so.
            (Some(Association::Disassociate), Some(_)) => self.ask(Association::Refresh),
            _ => {}
        }
    }

    /// Disassociates.
    pub(crate) const fn leave(&mut self) {
        if self.expires.is_some() {
            self.ask(Association::Disassociate);
        } else {
            self.open = None;
        }
    }

    /// Sends the request that is due. Tells what has changed by the passing of time.
    pub(crate) fn tick(
        &mut self,
        now: Instant,
        schedule: ScheduleMark,
        link: &mut LinkStats,
        transport: &mut dyn Transport,
    ) -> Option<AssociationEvent> {
        let connection = transport.peer(&self.ssm).binding;
        if connection.is_some() && connection != self.connection {
            self.connection = connection;
            self.reconnected();
        }
        let event = self.pass(now);
        if let Some(request) = self.open
            && self.retry.is_due(now)
        {
            // A number of its own for each attempt: an answer then says how long
            // ago, at most, the SSM armed its timer.
            self.sequence = self.sequence.saturating_add(1);
            self.asked = now;
            let associate = Associate {
                request,
                device: self.device,
                public_key: self.public_key,
                boot: self.boot,
                sequence: self.sequence,
                schedule,
                proof: None,
            };
            let mut signature = [0; SIGNATURE_MAX];
            let proof = self.prove(&associate, connection.as_ref(), &mut signature);
            let Ok(proof) = proof else {
                self.retry.refused(now, &self.backoff);
                return event.or(Some(AssociationEvent::CannotProve));
            };
            let associate = Associate { proof, ..associate };
            let to = if self.moved { &self.first_contact } else { &self.ssm };
            if link.say(to, &associate, transport) {
                // A nonce is used once: a request that is lost asks for another.
                self.unchallenged = self.nonce.take().is_none();
                self.retry.sent(now, &self.backoff);
            } else {
                self.moved = !self.moved;
                self.retry.refused(now, &self.backoff);
            }
        }
        event
    }

    /// The proof of a request: of the nonce that the SSM has sent, else of the
    /// connection if it has a value, else none yet.
    fn prove<'b>(
        &self,
        associate: &Associate<'_>,
        connection: Option<&[u8; 32]>,
        signature: &'b mut [u8; SIGNATURE_MAX],
    ) -> Result<Option<Proof<'b>>, KeyUnusable> {
        let Some(signer) = self.signer else { return Ok(None) };
        let binding = match (self.nonce, connection) {
            (Some(nonce), _) => Binding::Challenge(nonce),
            (None, Some(_)) => Binding::Connection,
            (None, None) => return Ok(None),
        };
        let signed = associate
            .with_proof_text(&binding, connection, |text| signer.sign(text, signature))
            .unwrap_or(Err(KeyUnusable))?;
        Ok(Some(Proof { binding, signature: signed }))
    }

    /// The SSM asks for a proof. `None` when it is no answer to the request that is
    /// open; otherwise whether the device can give one.
    pub(crate) fn challenged(&mut self, from: &Address, challenge: &Challenge<'_>) -> Option<bool> {
        // What went to where an SSM is found is answered from there.
        let stranger = !self.moved && self.ssm().is_some_and(|ssm| ssm != from);
        if stranger || !self.unchallenged || !self.is_answer(challenge.device, challenge.sequence) {
            return None;
        }
        self.unchallenged = false;
        if self.signer.is_none() {
            return Some(false);
        }
        self.nonce = Some(challenge.nonce);
        self.retry.hurry();
        Some(true)
    }

    /// An answer has come.
    pub(crate) fn granted(&mut self, from: &Address, answer: &Associated<'_>) -> Answer {
        if !self.is_answer(answer.device, answer.sequence) {
            return Answer::Stale;
        }
        let was_new = self.epoch != answer.epoch || self.expires.is_none();
        match answer.state {
            Association::Disassociate if self.open == Some(Association::Disassociate) => {
                self.open = None;
                self.expires = None;
                return Answer::Left;
            }
            Association::New | Association::Refresh
                if self.open != Some(Association::Disassociate) => {}
            _ => return Answer::Stale,
        }
        self.open = None;
        self.ssm = *from;
        self.moved = false;
        self.epoch = answer.epoch;
        // From the time of asking: early, never late.
        let part = |micros: u64| u64::from(answer.max_ttl_s).saturating_mul(micros);
        self.expires = Some(self.asked.after_micros(part(1_000_000)));
        // After a third of it, or up to a twelfth earlier.
        let early = self.jitter.up_to(part(1_000_000 / 12));
        let third = part(1_000_000 / 3);
        self.refresh_at = self.asked.after_micros(third.saturating_sub(early));
        if answer.state == Association::New || was_new { Answer::New } else { Answer::Refreshed }
    }

    /// A refusal has come. It changes nothing but what the user is told: the device
    /// goes on asking, with back-off.
    pub(crate) fn refused(&self, refusal: &AssociationRefused<'_>) -> Option<AssociationRefusal> {
        self.is_answer(refusal.device, refusal.sequence).then_some(refusal.reason)
    }

    /// The SSM says it does not know the device. Returns whether that is news.
    ///
    /// One that says so from elsewhere may be the same that has started anew, or a
    /// stranger: the device stays associated, asks where an SSM is found at first, not too
    /// often, and believes the answer.
    pub(crate) fn forgotten(&mut self, now: Instant, from: &Address) -> bool {
        let is_there = self.expires.is_some();
        if is_there && *from == self.ssm {
            self.lose();
            return true;
        }
        if is_there && self.open.is_none() && now >= self.asked.after(self.backoff.first) {
            self.ask(Association::Refresh);
            self.moved = true;
        }
        false
    }

    /// The SSM, while associated.
    pub(crate) fn ssm(&self) -> Option<&Address> {
        self.expires.map(|_| &self.ssm)
    }

    /// The run of the SSM that granted last.
    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) fn next_deadline(&self) -> Instant {
        let waits = match (self.open, self.expires) {
            (Some(_), _) => self.retry.due(),
            (None, Some(_)) => self.refresh_at,
            (None, None) => Instant::MAX,
        };
        waits.min(self.expires.unwrap_or(Instant::MAX))
    }

    /// What the passing of time changes.
    fn pass(&mut self, now: Instant) -> Option<AssociationEvent> {
        if self.expires.is_some_and(|expires| expires <= now) {
            if self.open == Some(Association::Disassociate) {
                return Some(self.left());
            }
            self.lose();
            return Some(AssociationEvent::Lost);
        }
        let farewells = self.open == Some(Association::Disassociate);
        if farewells && self.retry.attempts() >= FAREWELLS && self.retry.is_due(now) {
            return Some(self.left());
        }
        if self.expires.is_some() && self.open.is_none() && self.refresh_at <= now {
            self.ask(Association::Refresh);
        }
        None
    }

    const fn left(&mut self) -> AssociationEvent {
        self.open = None;
        self.expires = None;
        AssociationEvent::Left
    }

    const fn lose(&mut self) {
        self.expires = None;
        self.ssm = self.first_contact;
        self.ask(Association::New);
    }

    const fn ask(&mut self, request: Association) {
        self.open = Some(request);
        self.retry = Retry::NOW;
    }

    fn is_answer(&self, device: &str, sequence: u32) -> bool {
        self.open.is_some()
            && self.retry.attempts() > 0
            && device == self.device
            && sequence == self.sequence
    }
}
