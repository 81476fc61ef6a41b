//! A MIB in the making: every item with its place in the text it came from.

use std::collections::HashMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use bumpalo::Bump;

use super::error::{MibError, Source};
use crate::ams::ids::RoleNumber;
use crate::ams::mib::{
    Continuum, DeliveryPointSpec, Invalid, Item, Mib, RemoteMessageSpace, Role, Subject,
    TransportService, Unit, Venture,
};
use crate::ams::security::KeyRules;

/// An item and where it is in the text, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) offset: usize,
    pub(super) item: T,
}

impl<T> At<T> {
    pub(super) const fn new(offset: usize, item: T) -> Self {
        Self { offset, item }
    }
}

/// Where the items of a finished MIB are in the text.
type Places = HashMap<Item, usize>;

/// A MIB whose lists still grow. Those of `mib` itself are not used.
#[derive(Debug)]
pub(super) struct Draft<'b> {
    pub(super) mib: Mib<'b>,
    /// Where the single items are; the beginning of the text for those not given.
    pub(super) places: Places,
    pub(super) continua: Vec<At<Continuum<'b>>>,
    pub(super) config_servers: Vec<At<&'b str>>,
    /// `None` for the transport services of `mib`.
    pub(super) transports: Option<Vec<At<TransportService<'b>>>>,
    pub(super) delivery: Vec<At<DeliveryPointSpec<'b>>>,
    pub(super) ventures: Vec<At<VentureDraft<'b>>>,
}

/// A venture whose lists still grow. Those of `venture` itself are not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VentureDraft<'b> {
    pub(super) venture: Venture<'b>,
    pub(super) units: Vec<At<Unit<'b>>>,
    pub(super) roles: Vec<At<Role<'b>>>,
    pub(super) subjects: Vec<At<SubjectDraft<'b>>>,
    pub(super) remote: Vec<At<RemoteMessageSpace<'b>>>,
}

/// A subject whose lists still grow. Those of `subject` itself are not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SubjectDraft<'b> {
    pub(super) subject: Subject<'b>,
    pub(super) senders: Vec<At<RoleNumber>>,
    pub(super) receivers: Vec<At<RoleNumber>>,
}

impl<'b> Draft<'b> {
    /// A draft with nothing in its lists.
    pub(super) fn new(mib: Mib<'b>) -> Self {
        Self {
            mib,
            places: Places::new(),
            continua: Vec::new(),
            config_servers: Vec::new(),
            transports: None,
            delivery: Vec::new(),
            ventures: Vec::new(),
        }
    }

    /// The MIB in `arena`: whatever has a number in the order of the numbers, the
    /// rest in the order of preference.
    pub(super) fn finish(
        mut self,
        arena: &'b Bump,
        source: &Source<'_>,
        rules: &KeyRules<'_>,
    ) -> Result<Mib<'b>, MibError> {
        let mut places = self.places;
        self.continua.sort_by_key(|at| at.item.number);
        self.ventures.sort_by_key(|at| at.item.venture.number);
        let ventures = self
            .ventures
            .into_iter()
            .enumerate()
            .map(|(index, at)| At::new(at.offset, at.item.finish(arena, index, &mut places)))
            .collect();
        let mib = Mib {
            continua: place(arena, &mut places, self.continua, Item::RemoteContinuum),
            config_servers: place(arena, &mut places, self.config_servers, Item::ConfigServer),
            transports: match self.transports {
                Some(transports) => place(arena, &mut places, transports, Item::Transport),
                None => self.mib.transports,
            },
            default_delivery: place(arena, &mut places, self.delivery, Item::DeliveryPoint),
            ventures: place(arena, &mut places, ventures, Item::Venture),
            ..self.mib
        };
        let checked = mib.validate().and_then(|()| mib.validate_endpoints());
        match checked.and_then(|()| rules.check(&mib)) {
            Ok(()) => Ok(mib),
            Err(Invalid { item, fault }) => Err(source.error(
                places.get(&item).copied().unwrap_or_default(),
                describe(&mib, item),
                fault.to_string(),
                fault.remedy(),
            )),
        }
    }
}

impl<'b> VentureDraft<'b> {
    /// A venture with nothing in its lists.
    pub(super) const fn new(venture: Venture<'b>) -> Self {
        Self {
            venture,
            units: Vec::new(),
            roles: Vec::new(),
            subjects: Vec::new(),
            remote: Vec::new(),
        }
    }

    /// The number of the role of this name.
    pub(super) fn role(&self, name: &str) -> Option<RoleNumber> {
        self.roles.iter().find(|at| at.item.name == name).map(|at| at.item.number)
    }

    fn finish(mut self, arena: &'b Bump, venture: usize, places: &mut Places) -> Venture<'b> {
        self.units.sort_by_key(|at| at.item.number);
        self.roles.sort_by_key(|at| at.item.number);
        self.subjects.sort_by_key(|at| at.item.subject.number);
        self.remote.sort_by_key(|at| at.item.continuum);
        let subjects = self
            .subjects
            .into_iter()
            .enumerate()
            .map(|(index, at)| At::new(at.offset, at.item.finish(arena, venture, index, places)))
            .collect();
        Venture {
            units: place(arena, places, self.units, |unit| Item::Unit { venture, unit }),
            roles: place(arena, places, self.roles, |role| Item::Role { venture, role }),
            subjects: place(arena, places, subjects, |subject| Item::Subject { venture, subject }),
            remote: place(arena, places, self.remote, |space| Item::MessageSpace {
                venture,
                space,
            }),
            ..self.venture
        }
    }
}

impl<'b> SubjectDraft<'b> {
    /// A subject with nothing in its lists.
    pub(super) const fn new(subject: Subject<'b>) -> Self {
        Self { subject, senders: Vec::new(), receivers: Vec::new() }
    }

    fn finish(
        mut self,
        arena: &'b Bump,
        venture: usize,
        subject: usize,
        places: &mut Places,
    ) -> Subject<'b> {
        self.senders.sort_by_key(|at| at.item);
        self.receivers.sort_by_key(|at| at.item);
        Subject {
            senders: place(arena, places, self.senders, |sender| Item::Sender {
                venture,
                subject,
                sender,
            }),
            receivers: place(arena, places, self.receivers, |receiver| Item::Receiver {
                venture,
                subject,
                receiver,
            }),
            ..self.subject
        }
    }
}

/// Moves a list into the arena and notes where its items came from.
fn place<'b, T: Copy>(
    arena: &'b Bump,
    places: &mut Places,
    items: Vec<At<T>>,
    item: impl Fn(usize) -> Item,
) -> &'b [T] {
    places.extend(items.iter().enumerate().map(|(index, at)| (item(index), at.offset)));
    arena.alloc_slice_fill_iter(items.into_iter().map(|at| at.item))
}

/// What people call an item.
fn describe(mib: &Mib<'_>, item: Item) -> String {
    named(mib, item).unwrap_or_else(|| item.to_string())
}

fn named(mib: &Mib<'_>, item: Item) -> Option<String> {
    let venture = |index: usize| mib.ventures.get(index);
    Some(match item {
        Item::Continuum => format!("continuum {}", mib.continuum.number),
        Item::RemoteContinuum(at) => {
            let continuum = mib.continua.get(at)?;
            format!("continuum {} `{}`", continuum.number, continuum.name)
        }
        Item::Timers => "the timers".into(),
        Item::Signatures => "the signatures".into(),
        Item::Policy => "the policy".into(),
        Item::PrimaryTransport => format!("the primary transport `{}`", mib.primary_transport),
        Item::ConfigServers => "the configuration server".into(),
        Item::ConfigServer(at) => {
            format!("the configuration server at `{}`", mib.config_servers.get(at)?)
        }
        Item::Transport(at) => format!("transport service `{}`", mib.transports.get(at)?.name),
        Item::DefaultMadp => format!("the default MADP `{}`", mib.default_madp),
        Item::DeliveryPoint(at) => {
            let point = mib.default_delivery.get(at)?;
            format!("delivery point `{}={}`", point.service, point.endpoint)
        }
        Item::IpMulticast => "IP multicast".into(),
        Item::Venture(at) => format!("venture {}", venture(at)?.number),
        Item::Unit { venture: at, unit } => {
            let venture = venture(at)?;
            let unit = venture.units.get(unit)?;
            format!("unit {} `{}` of venture {}", unit.number, unit.name, venture.number)
        }
        Item::Role { venture: at, role } => {
            let venture = venture(at)?;
            let role = venture.roles.get(role)?;
            format!("role {} `{}` of venture {}", role.number, role.name, venture.number)
        }
        Item::Subject { venture: at, subject }
        | Item::Sender { venture: at, subject, .. }
        | Item::Receiver { venture: at, subject, .. } => {
            let venture = venture(at)?;
            let subject = venture.subjects.get(subject)?;
            format!("subject {} `{}` of venture {}", subject.number, subject.name, venture.number)
        }
        Item::MessageSpace { venture: at, space } => {
            let venture = venture(at)?;
            let space = venture.remote.get(space)?;
            format!("the space of venture {} in continuum {}", venture.number, space.continuum)
        }
    })
}
