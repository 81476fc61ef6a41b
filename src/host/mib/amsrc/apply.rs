//! Applies elements to a MIB, in the order they are in.
//!
//! | element | within | identified by | add | change | delete |
//! |---|---|---|---|---|---|
//! | `continuum` | operation | `name` | yes | yes | yes |
//! | `csendpoint` | operation | `after` or `epspec` | yes | no | yes |
//! | `amsendpoint` | operation | `tsname`, `epspec` | yes | no | yes |
//! | `application` | operation | `name` | yes | yes | yes |
//! | `venture` | operation | `appname`, `authname` | yes | yes | yes |
//! | `role`, `subject`, `unit` | `venture` | `name` | yes | yes | yes |
//! | `msgspace` | `venture` | `nbr` | yes | yes | yes |
//! | `sender`, `receiver` | `subject` | `name` | yes | no | yes |
//!
//! An operation is `ams_mib_add`, `ams_mib_change` or `ams_mib_delete`, around the
//! element or around what encloses it. To add what is there already is no error as
//! long as it is the same. To delete a `venture` or `subject` with other elements
//! within it deletes those alone.

use std::format;
use std::vec::Vec;

use super::super::draft::{At, Draft};
use super::super::error::MibError;
use super::element::Element;
use super::input::Input;
use super::step::{Context, Operation, Step};
use super::venture;
use crate::ams::ids::ContinuumNumber;
use crate::ams::mib::{
    Continuum, DeliveryPointSpec, Diligence, Item, Mib, Sequence, ServiceMode, TransportService,
};
use crate::crypto::SecretKey;

/// The transport service ION has beside those of [`Mib::ion`].
const DGR: TransportService<'_> = TransportService {
    name: "dgr",
    mode: ServiceMode { sequence: Sequence::Arrival, diligence: Diligence::Assured },
};

/// Makes a MIB of `elements`.
pub(super) fn apply<'b>(
    input: Input<'_, 'b>,
    elements: &[Element<'_>],
) -> Result<Draft<'b>, MibError> {
    let mut loader = Loader { input, draft: None, applications: Vec::new() };
    loader.elements(elements, Context::default())?;
    loader.finish()
}

/// An application, whose keys its ventures have.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Application<'b> {
    name: &'b str,
    public_key: &'b [u8],
    private_key: SecretKey<'b>,
}

struct Loader<'s, 'b> {
    input: Input<'s, 'b>,
    /// `None` before `ams_mib_init`.
    draft: Option<Draft<'b>>,
    applications: Vec<At<Application<'b>>>,
}

impl<'b> Loader<'_, 'b> {
    fn elements(&mut self, elements: &[Element<'_>], context: Context) -> Result<(), MibError> {
        elements.iter().try_for_each(|element| self.element(element, context))
    }

    fn element(&mut self, element: &Element<'_>, context: Context) -> Result<(), MibError> {
        let step = Step { input: self.input, element, context };
        match element.name {
            "ams_mib_load" => {
                element.check(&self.input.source, &[])?;
                return self.elements(&element.children, context);
            }
            "ams_mib_init" => return self.init(step),
            "ams_mib_add" => return self.operation(step, Operation::Add),
            "ams_mib_change" => return self.operation(step, Operation::Change),
            "ams_mib_delete" => return self.operation(step, Operation::Delete),
            _ => {}
        }
        let Some(draft) = &mut self.draft else {
            let problem = "there is no MIB yet";
            return Err(self.input.refuse(element, problem, "begin with `*ams_mib_init …`"));
        };
        match element.name {
            "continuum" => continuum(step, draft),
            "csendpoint" => config_server(step, draft),
            "amsendpoint" => delivery_point(step, draft),
            "application" => application(step, draft, &mut self.applications),
            "venture" => self.venture(step),
            "role" => venture::role(step, draft),
            "subject" => match venture::subject(step, draft)? {
                None => Ok(()),
                subject => self.elements(&element.children, Context { subject, ..context }),
            },
            "sender" | "receiver" => venture::correspondent(step, draft),
            "unit" => venture::unit(step, draft),
            "msgspace" => venture::message_space(step, draft),
            _ => {
                let remedy = "see docs/mib.md for the elements";
                Err(self.input.refuse(element, "there is no such element", remedy))
            }
        }
    }

    fn init(&mut self, step: Step<'_, '_, 'b>) -> Result<(), MibError> {
        let Step { input, element, .. } = step;
        step.leaf(&["continuum_nbr", "ptsname", "pubkey", "privkey"])?;
        if self.draft.is_some() || step.context.operation.is_some() {
            let remedy = "have it once, before everything else";
            return Err(input.refuse(element, "the MIB is there already", remedy));
        }
        let number = input.continuum(element, "continuum_nbr")?;
        let nominal = Mib::ion(number, "local");
        let mut draft = Draft::new(Mib {
            continuum: Continuum { description: "this continuum", ..nominal.continuum },
            primary_transport: input.name(element, "ptsname")?,
            public_key: input.key(element, "pubkey")?.unwrap_or_default(),
            private_key: SecretKey(input.key(element, "privkey")?.unwrap_or_default()),
            ..nominal
        });
        for item in [Item::Continuum, Item::PrimaryTransport, Item::ConfigServers] {
            draft.places.insert(item, element.offset);
        }
        self.draft = Some(draft);
        Ok(())
    }

    fn operation(&mut self, step: Step<'_, '_, 'b>, operation: Operation) -> Result<(), MibError> {
        step.element.check(&self.input.source, &[])?;
        if step.context.operation.is_some() {
            let remedy = "end the other before it";
            return Err(self.input.refuse(step.element, "it is within another operation", remedy));
        }
        let context = Context { operation: Some(operation), ..step.context };
        self.elements(&step.element.children, context)
    }

    fn venture(&mut self, step: Step<'_, '_, 'b>) -> Result<(), MibError> {
        let known = |name: &str| self.applications.iter().any(|at| at.item.name == name);
        let Some(draft) = &mut self.draft else { return Ok(()) };
        match venture::venture(step, draft, known)? {
            None => Ok(()),
            venture => self.elements(&step.element.children, Context { venture, ..step.context }),
        }
    }

    /// The draft, with the keys of the applications in their ventures.
    fn finish(self) -> Result<Draft<'b>, MibError> {
        let Some(mut draft) = self.draft else {
            let problem = "there is no `ams_mib_init`";
            return Err(self.input.source.error(0, "the file", problem, "begin with one"));
        };
        for at in &mut draft.ventures {
            let venture = &mut at.item.venture;
            let named = |at: &&At<Application<'b>>| at.item.name == venture.application;
            if let Some(application) = self.applications.iter().find(named) {
                venture.public_key = application.item.public_key;
                venture.private_key = application.item.private_key;
            }
        }
        Ok(draft)
    }
}

fn continuum<'b>(step: Step<'_, '_, 'b>, draft: &mut Draft<'b>) -> Result<(), MibError> {
    let Step { input, element, .. } = step;
    step.leaf(&["nbr", "name", "neighbor", "desc"])?;
    let name = input.name(element, "name")?;
    let number = match element.attribute("nbr") {
        Some(_) => Some(input.continuum(element, "nbr")?),
        None => None,
    };
    let revise = |continuum: &mut Continuum<'b>| {
        continuum.number = number.unwrap_or(continuum.number);
        let neighbour = element.flag(&input.source, "neighbor")?;
        continuum.neighbour = neighbour.unwrap_or(continuum.neighbour);
        continuum.description = input.text(element, "desc").unwrap_or(continuum.description);
        Ok(())
    };
    let local = &mut draft.mib.continuum;
    if number == Some(local.number) && step.operation()? != Operation::Delete {
        local.name = name;
        return revise(local);
    }
    let found = draft.continua.iter().position(|at| at.item.name == name);
    let blank = || {
        element.required(&input.source, "nbr")?;
        Ok(Continuum { number: ContinuumNumber::ALL, name, neighbour: false, description: "" })
    };
    step.edit(&mut draft.continua, found, blank, revise).map(drop)
}

fn config_server<'b>(step: Step<'_, '_, 'b>, draft: &mut Draft<'b>) -> Result<(), MibError> {
    let Step { input, element, .. } = step;
    step.leaf(&["epspec", "after"])?;
    let servers = &mut draft.config_servers;
    let after: Option<u16> = input.number(element, "after", "how many are preferred to it")?;
    let location = || Ok(input.config_server(input.name(element, "epspec")?));
    match step.operation()? {
        Operation::Add => {
            let index = after.map_or(servers.len(), usize::from);
            let location = location()?;
            if index > servers.len() {
                let problem = format!("fewer than {index} others are there");
                return Err(input.refuse(element, problem, "add those before it"));
            }
            servers.insert(index, At::new(element.offset, location));
            Ok(())
        }
        Operation::Change => Err(step.only_added_and_deleted()),
        Operation::Delete => {
            let found = match after {
                Some(after) => Some(usize::from(after)),
                None => {
                    let location = location()?;
                    servers.iter().position(|at| at.item == location)
                }
            };
            step.edit(servers, found, location, |_| Ok(())).map(drop)
        }
    }
}

fn delivery_point<'b>(step: Step<'_, '_, 'b>, draft: &mut Draft<'b>) -> Result<(), MibError> {
    let Step { input, element, .. } = step;
    step.leaf(&["tsname", "epspec"])?;
    let service = element.required(&input.source, "tsname")?;
    let point = DeliveryPointSpec {
        service: input.keep(&service.value),
        // Any port, where none is given.
        endpoint: input.endpoint(input.name(element, "epspec")?, "0"),
    };
    if step.operation()? == Operation::Change {
        return Err(step.only_added_and_deleted());
    }
    let transports = draft.transports.get_or_insert_with(|| {
        draft.mib.transports.iter().map(|service| At::new(0, *service)).collect()
    });
    if !transports.iter().any(|at| at.item.name == point.service) {
        if point.service != DGR.name {
            return Err(element.refuse(&input.source, service, "give udp, tcp or dgr"));
        }
        transports.push(At::new(service.value_offset, DGR));
    }
    let found = draft.delivery.iter().position(|at| at.item == point);
    step.edit(&mut draft.delivery, found, || Ok(point), |_| Ok(())).map(drop)
}

fn application<'b>(
    step: Step<'_, '_, 'b>,
    draft: &Draft<'b>,
    applications: &mut Vec<At<Application<'b>>>,
) -> Result<(), MibError> {
    let Step { input, element, .. } = step;
    step.leaf(&["name", "pubkey", "privkey"])?;
    let name = input.name(element, "name")?;
    let in_use = draft.ventures.iter().any(|at| at.item.venture.application == name);
    if step.context.operation == Some(Operation::Delete) && in_use {
        return Err(input.refuse(element, "a venture addresses it", "delete the venture before"));
    }
    let found = applications.iter().position(|at| at.item.name == name);
    let blank = || Ok(Application { name, public_key: &[], private_key: SecretKey::NONE });
    let revise = |application: &mut Application<'b>| {
        let (public, private) = (input.key(element, "pubkey")?, input.key(element, "privkey")?);
        application.public_key = public.unwrap_or(application.public_key);
        application.private_key = private.map_or(application.private_key, SecretKey);
        Ok(())
    };
    step.edit(applications, found, blank, revise).map(drop)
}
