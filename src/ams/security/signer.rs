//! Which name and which keys an entity signs with (735.1-B-1 5.1.4.2 to 5.1.4.4).

use crate::ams::ids::{RoleNumber, VentureNumber};
use crate::ams::mib::Mib;
use crate::ams::pdu::Sender;
use crate::crypto::SecretKey;

/// What the MIB has of the sender of an MPDU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signer<'m> {
    /// The well-known string.
    pub(super) name: &'m str,
    /// Empty for none.
    pub(super) public_key: &'m [u8],
    /// Empty for none.
    pub(super) private_key: SecretKey<'m>,
}

impl<'m> Signer<'m> {
    /// The signer behind the sender fields of an MPDU: a venture of 0 is the
    /// configuration server, a role of 0 a registrar (table 5-1). `None` when the MIB
    /// does not know it, and so has no key of it.
    pub(super) fn of(mib: &Mib<'m>, sender: Sender) -> Option<Self> {
        if sender.venture == VentureNumber(0) {
            return Some(Self {
                name: mib.continuum.name,
                public_key: mib.public_key,
                private_key: mib.private_key,
            });
        }
        let venture = mib.venture(sender.venture)?;
        if sender.role == RoleNumber::ALL {
            return Some(Self {
                name: venture.application,
                public_key: venture.public_key,
                private_key: venture.private_key,
            });
        }
        let role = venture.role(sender.role)?;
        Some(Self { name: role.name, public_key: role.public_key, private_key: role.private_key })
    }
}
