//! The TOML layout of a MIB: one struct per table, as `docs/mib.md` tells.

use std::net::Ipv4Addr;
use std::string::String;
use std::vec::Vec;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::ams::mib::{Binding, Diligence, Introduction, Profile, RamsNetwork, Sequence};

/// A whole number, wide enough to tell how far it is out of range.
pub(super) type Number = Spanned<i64>;
/// Text, or the hexadecimal digits of a key.
pub(super) type Text = Spanned<String>;

/// The whole file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default, with = "ProfileText", skip_serializing_if = "is_standard")]
    pub(super) profile: Profile,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) primary_transport: Option<Text>,
    pub(super) config_servers: Spanned<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default_madp: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) checksums: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tai_minus_utc: Option<Number>,
    pub(super) continuum: Spanned<LocalContinuum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timers: Option<Spanned<TimerTable>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signatures: Option<Spanned<SignatureTable>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<Spanned<PolicyTable>>,
    #[serde(rename = "transport", skip_serializing_if = "Option::is_none")]
    pub(super) transports: Option<Vec<Spanned<TransportTable>>>,
    #[serde(default, rename = "delivery_point", skip_serializing_if = "Vec::is_empty")]
    pub(super) delivery: Vec<Spanned<DeliveryPointTable>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ip_multicast: Option<Spanned<MulticastTable>>,
    #[serde(default, rename = "remote_continuum", skip_serializing_if = "Vec::is_empty")]
    pub(super) continua: Vec<Spanned<RemoteContinuum>>,
    #[serde(default, rename = "venture", skip_serializing_if = "Vec::is_empty")]
    pub(super) ventures: Vec<Spanned<VentureTable>>,
}

#[derive(Deserialize, Serialize)]
#[serde(remote = "Profile", rename_all = "kebab-case")]
enum ProfileText {
    Standard,
    Ion,
}

fn is_standard(profile: &Profile) -> bool {
    *profile == Profile::Standard
}

/// `[continuum]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LocalContinuum {
    pub(super) number: Number,
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) public_key: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_key: Option<Text>,
}

/// `[timers]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimerTable {
    pub(super) n1: Option<Spanned<f64>>,
    pub(super) n2: Option<Spanned<f64>>,
    pub(super) n3: Option<Spanned<f64>>,
    pub(super) n6: Option<Number>,
}

/// `[signatures]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureTable {
    #[serde(default, with = "BindingText")]
    pub(super) binding: Binding,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) freshness: Option<Spanned<f64>>,
}

#[derive(Deserialize, Serialize)]
#[serde(remote = "Binding", rename_all = "kebab-case")]
enum BindingText {
    Off,
    Offered,
    Required,
}

/// `[policy]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) census: Option<Spanned<f64>>,
    pub(super) introduction: Option<Introducer>,
    pub(super) introduction_delay: Option<Spanned<f64>>,
    pub(super) introduction_repeats: Option<Number>,
    pub(super) briefing_delay: Option<Spanned<f64>>,
    pub(super) one_status: Option<bool>,
    pub(super) refuse_late: Option<bool>,
    pub(super) refuse_inconsistent: Option<bool>,
    pub(super) refuse_moved: Option<bool>,
    pub(super) aggregation: Option<Spanned<f64>>,
    pub(super) takeover: Option<Number>,
}

/// Who introduces modules, where it is told.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Introducer {
    Modules,
    Registrar,
}

impl From<Introducer> for Introduction {
    fn from(introducer: Introducer) -> Self {
        match introducer {
            Introducer::Modules => Self::ByModules,
            Introducer::Registrar => Self::ByRegistrar,
        }
    }
}

impl From<Introduction> for Introducer {
    fn from(introduction: Introduction) -> Self {
        match introduction {
            Introduction::ByModules => Self::Modules,
            Introduction::ByRegistrar => Self::Registrar,
        }
    }
}

/// `[[transport]]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransportTable {
    pub(super) name: String,
    #[serde(with = "SequenceText")]
    pub(super) sequence: Sequence,
    #[serde(with = "DiligenceText")]
    pub(super) diligence: Diligence,
}

#[derive(Deserialize, Serialize)]
#[serde(remote = "Sequence", rename_all = "kebab-case")]
enum SequenceText {
    Arrival,
    Transmission,
}

#[derive(Deserialize, Serialize)]
#[serde(remote = "Diligence", rename_all = "kebab-case")]
enum DiligenceText {
    BestEffort,
    Assured,
}

/// `[[delivery_point]]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryPointTable {
    pub(super) service: String,
    pub(super) endpoint: String,
}

/// `[ip_multicast]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MulticastTable {
    pub(super) mask: Spanned<Ipv4Addr>,
    pub(super) mask_length: Number,
    pub(super) unit_bits: Number,
    pub(super) subject_bits: Number,
    pub(super) port: Number,
}

/// `[[remote_continuum]]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoteContinuum {
    pub(super) number: Number,
    pub(super) name: String,
    #[serde(default)]
    pub(super) neighbour: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
}

/// `[[venture]]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VentureTable {
    pub(super) number: Number,
    pub(super) application: String,
    pub(super) authority: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) public_key: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_key: Option<Text>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) gateway: String,
    #[serde(default, with = "NetworkText")]
    pub(super) network: RamsNetwork,
    #[serde(default, rename = "unit", skip_serializing_if = "Vec::is_empty")]
    pub(super) units: Vec<Spanned<UnitTable>>,
    #[serde(default, rename = "role", skip_serializing_if = "Vec::is_empty")]
    pub(super) roles: Vec<Spanned<RoleTable>>,
    #[serde(default, rename = "subject", skip_serializing_if = "Vec::is_empty")]
    pub(super) subjects: Vec<Spanned<SubjectTable>>,
    #[serde(default, rename = "message_space", skip_serializing_if = "Vec::is_empty")]
    pub(super) remote: Vec<Spanned<MessageSpaceTable>>,
}

#[derive(Deserialize, Serialize)]
#[serde(remote = "RamsNetwork", rename_all = "kebab-case")]
enum NetworkText {
    Mesh,
    Tree,
}

/// `[[venture.unit]]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitTable {
    pub(super) number: Number,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resync_period: Option<Number>,
}

/// `[[venture.role]]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleTable {
    pub(super) number: Number,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) public_key: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_key: Option<Text>,
}

/// `[[venture.subject]]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubjectTable {
    pub(super) number: Number,
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) structure: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) senders: Vec<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) receivers: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) symmetric_key: Option<Text>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) marshal: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) unmarshal: String,
}

/// `[[venture.message_space]]`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageSpaceTable {
    pub(super) continuum: Number,
    pub(super) gateway: String,
    pub(super) neighbour: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) symmetric_key: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel_key: Option<Text>,
}
