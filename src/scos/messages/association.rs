//! Association and what a device advertises of itself.

use serde::{Deserialize, Serialize};

use super::encode_part;
use crate::scos::coding::coded;
use crate::scos::encoding::{Encode, Encoder};
use crate::scos::metadata::{KeptSection, Section, SectionKey};

/// What an SSD asks of its association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Association {
    /// No previous state exists.
    New,
    /// It goes on.
    Refresh,
    /// It ends: connectivity is expected to be lost for a while.
    Disassociate,
}

/// How far the schedule of an SSD has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScheduleMark {
    /// The boot number of the SSM that made it; 0 for an SSD without schedule.
    pub epoch: u32,
    /// The version of the last change applied.
    pub version: u32,
}

/// SSD to SSM: an association request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Associate<'a> {
    /// What is asked for.
    pub request: Association,
    /// The device ID, 1 to 32 octets.
    pub device: &'a str,
    /// The public key that verifies its identity, at most 64 octets.
    pub public_key: &'a [u8],
    /// The number of this run of the SSD, greater than that of any run before.
    pub boot: u32,
    /// The number of this request in this run, greater than any before.
    pub sequence: u32,
    /// How far its schedule has come.
    pub schedule: ScheduleMark,
    /// That the device has the private key, where the SSM asks for it.
    #[serde(borrow)]
    pub proof: Option<Proof<'a>>,
}

impl Associate<'_> {
    /// Octets of the longest request without its proof.
    const UNPROVED_MAX: usize = 128;

    /// Lends `sign` the text a proof of this request signs: a label, what the proof is
    /// bound to, and the message itself without a proof. `connection` is the value of
    /// the connection the request goes by.
    ///
    /// Returns `None` where a proof bound to the connection has none to be bound to.
    pub(crate) fn with_proof_text<R>(
        &self,
        binding: &Binding,
        connection: Option<&[u8; 32]>,
        sign: impl FnOnce(&[&[u8]]) -> R,
    ) -> Option<R> {
        let unproved = Associate { proof: None, ..*self };
        let mut scratch = [0; Self::UNPROVED_MAX];
        let message = encode_part(&unproved, &mut scratch).ok()?;
        let (kind, bound): (u8, &[u8]) = match binding {
            Binding::Connection => (0, connection?),
            Binding::Challenge(nonce) => (1, nonce),
        };
        Some(sign(&[PROOF_LABEL, &[kind], bound, message]))
    }
}

/// Begins every text that a proof signs, so that no signature made for anything else
/// is one.
const PROOF_LABEL: &[u8] = b"farpost SCOS association proof 1\0";

/// What an SSM has a device sign; nobody can tell it before.
pub type Nonce = [u8; 16];

/// What makes a proof good for one connection, or for one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Binding {
    /// A value both ends of the connection have and nobody else: the exporter of TLS
    /// (RFC 9266). It is not sent.
    Connection,
    /// The nonce of a [`Challenge`], where the connection has no such value.
    Challenge(Nonce),
}

/// That an SSD has the private key that belongs to its public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof<'a> {
    /// What it is bound to.
    pub binding: Binding,
    /// The signature, at most 96 octets.
    pub signature: &'a [u8],
}

/// SSM to SSD: ask again, and sign this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge<'a> {
    /// The device ID, echoed.
    pub device: &'a str,
    /// The sequence number of the request, echoed.
    pub sequence: u32,
    /// What to sign.
    pub nonce: Nonce,
}

/// SSM to SSD: the association granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Associated<'a> {
    /// The device ID, echoed.
    pub device: &'a str,
    /// The sequence number of the request, echoed.
    pub sequence: u32,
    /// The state granted. `New` in answer to `Refresh` says that the SSM knew
    /// nothing of the SSD, which advertises itself again.
    pub state: Association,
    /// How long the SSM waits to hear from the SSD, in seconds.
    pub max_ttl_s: u32,
    /// How long it would have waited on before this request, in seconds, rounded
    /// down; the maximum where the state is `New`, 0 where it is `Disassociate`.
    pub remaining_ttl_s: u32,
    /// The number of this run of the SSM.
    pub epoch: u32,
}

/// Why an association is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AssociationRefusal {
    /// The device is unknown, its key is another one, its proof is none, or there were
    /// too many such requests: the SSM does not say which.
    NotAuthorised,
    /// The SSM has no room for another device.
    InventoryFull,
}

/// SSM to SSD: the association is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociationRefused<'a> {
    /// The device ID, echoed.
    pub device: &'a str,
    /// The sequence number of the request, echoed.
    pub sequence: u32,
    /// Why.
    pub reason: AssociationRefusal,
}

/// SSD to SSM: a section of what the device is, can do, and how it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advertise<'a> {
    /// The number of this run of the SSD.
    pub boot: u32,
    /// The number of this change of its metadata in this run, above 0 and greater
    /// than any before.
    pub revision: u32,
    /// What is so from this revision on.
    #[serde(borrow)]
    pub section: Section<'a>,
}

/// An [`Advertise`] of a section as the device keeps it, to be said as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdvertiseKept<'a> {
    pub(crate) boot: u32,
    pub(crate) revision: u32,
    pub(crate) section: KeptSection<'a>,
}

/// SSM to SSD: an advertisement has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Advertised {
    /// Its revision, echoed.
    pub revision: u32,
    /// The section, echoed.
    pub section: SectionKey,
    /// Whether the SSM had no room to keep it. It is not to be sent again.
    pub full: bool,
}

coded! {
    enum Association: 0 New, 1 Refresh, 2 Disassociate; else Self::New;
    struct ScheduleMark: epoch, version;
    struct Associate<'a>: request, device, public_key, boot, sequence, schedule, proof;
    enum Binding: 0 Connection, 1 Challenge(nonce); else Self::Connection;
    struct Proof<'a>: binding, signature;
    struct Challenge<'a>: device, sequence, nonce;
    struct Associated<'a>: device, sequence, state, max_ttl_s, remaining_ttl_s, epoch;
    enum AssociationRefusal: 0 NotAuthorised, 1 InventoryFull; else Self::NotAuthorised;
    struct AssociationRefused<'a>: device, sequence, reason;
    struct Advertise<'a>: boot, revision, section;
    struct Advertised: revision, section, full;
}

impl Encode for AdvertiseKept<'_> {
    fn write(&self, to: &mut Encoder<'_>) {
        self.boot.write(to);
        self.revision.write(to);
        self.section.write(to);
    }
}
