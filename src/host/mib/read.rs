//! A MIB from TOML.

use std::format;
use std::string::ToString;
use std::time::Duration;
use std::vec::Vec;

use bumpalo::Bump;
use toml::Spanned;

use super::draft::{At, Draft, SubjectDraft, VentureDraft};
use super::error::{MibError, Source};
use super::keys::{KeyStore, NoKeys, find};
use super::layout::{
    DeliveryPointTable, File, LocalContinuum, MessageSpaceTable, MulticastTable, Number,
    PolicyTable, RemoteContinuum, RoleTable, SignatureTable, SubjectTable, Text, TimerTable,
    TransportTable, UnitTable, VentureTable,
};
use crate::ams::endpoint::IpMulticast;
use crate::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use crate::ams::mib::{
    Continuum, DeliveryPointSpec, Item, Mib, Policy, Profile, ReconnectionPolicy,
    RemoteMessageSpace, Role, ServiceMode, SignaturePolicy, Subject, Timers, TransportService,
    Unit, Venture,
};
use crate::ams::security::KeyRules;

/// Reads a MIB from TOML laid out as `docs/mib.md` tells. `name` is what errors call
/// the text. Keys in files it does not have; [`parse`](super::parse) has those of a
/// store.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn from_toml<'b>(arena: &'b Bump, text: &str, name: &str) -> Result<Mib<'b>, MibError> {
    let source = Source { file: name, text };
    draft(arena, &source, &NoKeys)?.finish(arena, &source, &KeyRules::ANY)
}

/// What TOML says; `keys` has the keys it names.
pub(super) fn draft<'b>(
    arena: &'b Bump,
    source: &Source<'_>,
    keys: &dyn KeyStore,
) -> Result<Draft<'b>, MibError> {
    let file: File = toml::from_str(source.text).map_err(|error| refused(source, &error))?;
    Reader { arena, source: *source, keys }.file(file)
}

/// What the TOML or serde crate refuses: bad syntax, an unknown, missing or repeated
/// key, a value of the wrong type.
fn refused(source: &Source<'_>, error: &toml::de::Error) -> MibError {
    let span = error.span().unwrap_or_default();
    let part = source.text.get(span.clone()).unwrap_or_default();
    let part = part.lines().next().unwrap_or_default().trim();
    let item = if part.is_empty() { "the text".into() } else { format!("`{part}`") };
    let problem = error.message().replace('\n', ", ");
    source.error(span.start, item, problem, "see docs/mib.md for the keys and their types")
}

struct Reader<'s, 'b> {
    arena: &'b Bump,
    source: Source<'s>,
    keys: &'s dyn KeyStore,
}

impl<'b> Reader<'_, 'b> {
    fn file(&self, file: File) -> Result<Draft<'b>, MibError> {
        let local = self.local_continuum(file.profile, file.continuum.get_ref())?;
        let mut draft = Draft::new(local);
        draft.places.insert(Item::Continuum, file.continuum.span().start);
        if let Some(timers) = file.timers {
            draft.places.insert(Item::Timers, timers.span().start);
            draft.mib.timers = self.timers(timers.get_ref(), draft.mib.timers)?;
        }
        if let Some(signatures) = file.signatures {
            draft.places.insert(Item::Signatures, signatures.span().start);
            draft.mib.signatures = self.signatures(signatures.get_ref())?;
        }
        if let Some(policy) = file.policy {
            draft.places.insert(Item::Policy, policy.span().start);
            draft.mib.policy = self.policy(policy.get_ref(), draft.mib.policy)?;
        }
        if let Some(name) = file.primary_transport {
            draft.places.insert(Item::PrimaryTransport, name.span().start);
            draft.mib.primary_transport = self.text(name.get_ref());
        }
        if let Some(madp) = file.default_madp {
            draft.places.insert(Item::DefaultMadp, madp.span().start);
            draft.mib.default_madp = self.text(madp.get_ref());
        }
        if let Some(offset) = file.tai_minus_utc {
            draft.mib.tai_minus_utc = self.number(&offset, "tai_minus_utc", "-128 to 127")?;
        }
        draft.mib.checksums = file.checksums.unwrap_or(draft.mib.checksums);
        draft.places.insert(Item::ConfigServers, file.config_servers.span().start);
        draft.config_servers = file
            .config_servers
            .get_ref()
            .iter()
            .map(|location| At::new(location.span().start, self.text(location.get_ref())))
            .collect();
        draft.transports = file
            .transports
            .map(|services| each(services, |service| Ok(self.transport(service))))
            .transpose()?;
        draft.delivery = each(file.delivery, |point| Ok(self.delivery_point(point)))?;
        if let Some(groups) = file.ip_multicast {
            draft.places.insert(Item::IpMulticast, groups.span().start);
            draft.mib.ip_multicast = Some(self.multicast(groups.get_ref())?);
        }
        draft.continua = each(file.continua, |continuum| self.continuum(continuum))?;
        draft.ventures = each(file.ventures, |venture| self.venture(venture))?;
        Ok(draft)
    }

    fn local_continuum(
        &self,
        profile: Profile,
        table: &LocalContinuum,
    ) -> Result<Mib<'b>, MibError> {
        let number = self.continuum_number(&table.number, "continuum.number")?;
        let mut mib = Mib::of(profile, number, self.text(&table.name));
        mib.continuum.description = self.text(&table.description);
        mib.public_key = self.key(table.public_key.as_ref(), "continuum.public_key")?;
        mib.private_key = self.key(table.private_key.as_ref(), "continuum.private_key")?.into();
        Ok(mib)
    }

    fn timers(&self, table: &TimerTable, nominal: Timers) -> Result<Timers, MibError> {
        Ok(Timers {
            n1: self.seconds(table.n1.as_ref(), "timers.n1", nominal.n1)?,
            n2: self.seconds(table.n2.as_ref(), "timers.n2", nominal.n2)?,
            n3: self.seconds(table.n3.as_ref(), "timers.n3", nominal.n3)?,
            n6: match &table.n6 {
                Some(n6) => self.number(n6, "timers.n6", "1 to 255")?,
                None => nominal.n6,
            },
        })
    }

    fn signatures(&self, table: &SignatureTable) -> Result<SignaturePolicy, MibError> {
        let freshness = table.freshness.as_ref();
        let freshness = self.seconds(freshness, "signatures.freshness", Duration::ZERO)?;
        Ok(SignaturePolicy { binding: table.binding, freshness })
    }

    fn policy(&self, table: &PolicyTable, nominal: Policy) -> Result<Policy, MibError> {
        let seconds = |seconds: &Option<Spanned<f64>>, item: &str, nominal: Duration| {
            self.seconds(seconds.as_ref(), item, nominal)
        };
        let times = |number: &Option<Number>, item: &str, nominal: u8| {
            number.as_ref().map_or(Ok(nominal), |number| self.number(number, item, "0 to 255"))
        };
        let strict = nominal.reconnection;
        Ok(Policy {
            census: match &table.census {
                Some(_) => Some(seconds(&table.census, "policy.census", Duration::ZERO)?),
                None => nominal.census,
            },
            reconnection: ReconnectionPolicy {
                timely: table.refuse_late.unwrap_or(strict.timely),
                consistent: table.refuse_inconsistent.unwrap_or(strict.consistent),
                unique: table.refuse_moved.unwrap_or(strict.unique),
            },
            introduction: table.introduction.map_or(nominal.introduction, Into::into),
            introduction_delay: seconds(
                &table.introduction_delay,
                "policy.introduction_delay",
                nominal.introduction_delay,
            )?,
            introduction_repeats: times(
                &table.introduction_repeats,
                "policy.introduction_repeats",
                nominal.introduction_repeats,
            )?,
            briefing_delay: seconds(
                &table.briefing_delay,
                "policy.briefing_delay",
                nominal.briefing_delay,
            )?,
            one_status: table.one_status.unwrap_or(nominal.one_status),
            aggregation: seconds(&table.aggregation, "policy.aggregation", nominal.aggregation)?,
            takeover: times(&table.takeover, "policy.takeover", nominal.takeover)?,
        })
    }

    fn transport(&self, table: TransportTable) -> TransportService<'b> {
        let mode = ServiceMode { sequence: table.sequence, diligence: table.diligence };
        TransportService { name: self.text(&table.name), mode }
    }

    fn delivery_point(&self, table: DeliveryPointTable) -> DeliveryPointSpec<'b> {
        DeliveryPointSpec {
            service: self.text(&table.service),
            endpoint: self.text(&table.endpoint),
        }
    }

    fn multicast(&self, table: &MulticastTable) -> Result<IpMulticast, MibError> {
        let bits = |number, item| self.number(number, item, "0 to 32");
        Ok(IpMulticast {
            mask: *table.mask.get_ref(),
            mask_length: bits(&table.mask_length, "ip_multicast.mask_length")?,
            unit_bits: bits(&table.unit_bits, "ip_multicast.unit_bits")?,
            subject_bits: bits(&table.subject_bits, "ip_multicast.subject_bits")?,
            port: self.number(&table.port, "ip_multicast.port", "1 to 65535")?,
        })
    }

    fn continuum(&self, table: RemoteContinuum) -> Result<Continuum<'b>, MibError> {
        Ok(Continuum {
            number: self.continuum_number(&table.number, "remote_continuum.number")?,
            name: self.text(&table.name),
            neighbour: table.neighbour,
            description: self.text(&table.description),
        })
    }

    fn venture(&self, table: VentureTable) -> Result<VentureDraft<'b>, MibError> {
        let number = self.number(&table.number, "venture.number", "1 to 255")?;
        let application = self.text(&table.application);
        let authority = self.text(&table.authority);
        let mut draft = VentureDraft::new(Venture {
            public_key: self.key(table.public_key.as_ref(), "venture.public_key")?,
            private_key: self.key(table.private_key.as_ref(), "venture.private_key")?.into(),
            gateway: self.text(&table.gateway),
            network: table.network,
            ..Venture::new(VentureNumber(number), application, authority)
        });
        draft.units = each(table.units, |unit| self.unit(unit))?;
        if !draft.units.iter().any(|at| at.item.number == UnitNumber::ROOT) {
            draft.units.push(At::new(table.number.span().start, Unit::ROOT));
        }
        draft.roles = each(table.roles, |role| self.role(role))?;
        draft.subjects = each(table.subjects, |subject| self.subject(&draft, subject))?;
        draft.remote = each(table.remote, |space| self.message_space(space))?;
        Ok(draft)
    }

    fn unit(&self, table: UnitTable) -> Result<Unit<'b>, MibError> {
        Ok(Unit {
            number: UnitNumber(self.number(&table.number, "unit.number", "0 to 65535")?),
            name: self.text(&table.name),
            resync_period: match &table.resync_period {
                Some(period) => self.number(period, "unit.resync_period", "0 to 4294967295")?,
                None => 0,
            },
        })
    }

    fn role(&self, table: RoleTable) -> Result<Role<'b>, MibError> {
        Ok(Role {
            number: RoleNumber(self.number(&table.number, "role.number", "1 to 255")?),
            name: self.text(&table.name),
            public_key: self.key(table.public_key.as_ref(), "role.public_key")?,
            private_key: self.key(table.private_key.as_ref(), "role.private_key")?.into(),
        })
    }

    fn subject(
        &self,
        venture: &VentureDraft<'b>,
        table: SubjectTable,
    ) -> Result<SubjectDraft<'b>, MibError> {
        let number = self.number(&table.number, "subject.number", "1 to 32767")?;
        let mut draft = SubjectDraft::new(Subject {
            description: self.text(&table.description),
            structure: self.text(&table.structure),
            symmetric_key: self.key(table.symmetric_key.as_ref(), "subject.symmetric_key")?.into(),
            marshal: self.text(&table.marshal),
            unmarshal: self.text(&table.unmarshal),
            ..Subject::new(SubjectNumber(number), self.text(&table.name))
        });
        draft.senders = self.roles(venture, &table.senders, "subject.senders")?;
        draft.receivers = self.roles(venture, &table.receivers, "subject.receivers")?;
        Ok(draft)
    }

    fn message_space(&self, table: MessageSpaceTable) -> Result<RemoteMessageSpace<'b>, MibError> {
        let key = self.key(table.symmetric_key.as_ref(), "message_space.symmetric_key")?;
        let channel_key = self.key(table.channel_key.as_ref(), "message_space.channel_key")?;
        let number = self.continuum_number(&table.continuum, "message_space.continuum")?;
        let space = RemoteMessageSpace::new(number, self.text(&table.gateway));
        Ok(RemoteMessageSpace {
            neighbour: table.neighbour.unwrap_or(space.neighbour),
            symmetric_key: key.into(),
            channel_key: channel_key.into(),
            ..space
        })
    }

    /// The numbers of the roles of these names.
    fn roles(
        &self,
        venture: &VentureDraft<'b>,
        names: &[Text],
        item: &str,
    ) -> Result<Vec<At<RoleNumber>>, MibError> {
        let number = |name: &Text| {
            let (offset, name) = (name.span().start, name.get_ref());
            let number = venture.role(name).ok_or_else(|| {
                let problem = format!("no role of the venture is named `{name}`");
                self.source.error(offset, item, problem, "add the role, or take it off the list")
            })?;
            Ok(At::new(offset, number))
        };
        names.iter().map(number).collect()
    }

    fn text(&self, text: &str) -> &'b str {
        self.arena.alloc_str(text)
    }

    fn number<T: TryFrom<i64>>(
        &self,
        number: &Number,
        item: &str,
        range: &str,
    ) -> Result<T, MibError> {
        T::try_from(*number.get_ref()).map_err(|_| self.out_of_range(number, item, range))
    }

    fn continuum_number(&self, number: &Number, item: &str) -> Result<ContinuumNumber, MibError> {
        let range = "1 to 32767";
        ContinuumNumber::new(self.number(number, item, range)?)
            .ok_or_else(|| self.out_of_range(number, item, range))
    }

    fn out_of_range(&self, number: &Number, item: &str, range: &str) -> MibError {
        let problem = format!("{} is out of range", number.get_ref());
        self.source.error(number.span().start, item, problem, format!("give {range}"))
    }

    fn seconds(
        &self,
        seconds: Option<&Spanned<f64>>,
        item: &str,
        nominal: Duration,
    ) -> Result<Duration, MibError> {
        let Some(seconds) = seconds else { return Ok(nominal) };
        Duration::try_from_secs_f64(*seconds.get_ref()).map_err(|error| {
            let remedy = "give seconds, not below 0, such as 5 or 0.5";
            self.source.error(seconds.span().start, item, error.to_string(), remedy)
        })
    }

    /// The octets of a key: its digits, or those in the file it names.
    fn key(&self, key: Option<&Text>, item: &str) -> Result<&'b [u8], MibError> {
        let Some(key) = key else { return Ok(&[]) };
        let octets = match key.get_ref().strip_prefix(FILE) {
            None => octets(key.get_ref()),
            Some(name) => {
                let secret = !item.ends_with("public_key");
                let content = find(self.keys, name, secret).map_err(|refusal| {
                    self.source.key_error(key.span().start, item, name, refusal)
                })?;
                std::str::from_utf8(&content).ok().and_then(|text| octets(text.trim()))
            }
        };
        let octets = octets.ok_or_else(|| {
            let problem = "a key is an even number of hexadecimal digits";
            let remedy = "write it such as \"00ff\", or \"file:NAME\" for a file with the digits";
            self.source.error(key.span().start, item, problem, remedy)
        })?;
        Ok(self.arena.alloc_slice_copy(&octets))
    }
}

/// What the name of a file with a key begins with.
const FILE: &str = "file:";

/// Makes an item of each table and keeps where it was.
fn each<T, U>(
    tables: Vec<Spanned<T>>,
    item: impl Fn(T) -> Result<U, MibError>,
) -> Result<Vec<At<U>>, MibError> {
    tables
        .into_iter()
        .map(|table| Ok(At::new(table.span().start, item(table.into_inner())?)))
        .collect()
}

/// The octets that hexadecimal digits stand for.
fn octets(digits: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)?.wrapping_shl(4) | digit(low)?)).collect()
}
