//! Whether the endpoints of a MIB are such as annex A has them.
//!
//! A board's own transport may have endpoints as it likes; where the services are
//! those of annex A, this says what is wrong with theirs.

use super::fault::{Fault, Invalid, Item};
use super::{DeliveryPointSpec, Mib};
use crate::ams::endpoint::{Endpoint, EndpointFault, HostPort, Service};

type Checked = Result<(), Invalid>;

impl Mib<'_> {
    /// Checks every name of a transport service and every endpoint by the syntax of
    /// its service (annex A). [`Mib::validate`] does not, for it is `const`.
    ///
    /// # Errors
    /// The first part that is wrong, in the order of the fields.
    pub fn validate_endpoints(&self) -> Checked {
        Service::parse(self.primary_transport)
            .map_err(|fault| of(Item::PrimaryTransport, fault))?;
        for (index, location) in self.config_servers.iter().enumerate() {
            location_of(self.primary_transport, location)
                .map_err(|fault| of(Item::ConfigServer(index), fault))?;
        }
        for (index, service) in self.transports.iter().enumerate() {
            Service::parse(service.name).map_err(|fault| of(Item::Transport(index), fault))?;
        }
        if !self.default_madp.is_empty() {
            Endpoint::from_specification(self.primary_transport, self.default_madp)
                .map_err(|fault| of(Item::DefaultMadp, fault))?;
        }
        for (index, point) in self.default_delivery.iter().enumerate() {
            let DeliveryPointSpec { service, endpoint } = *point;
            Endpoint::from_specification(service, endpoint)
                .map_err(|fault| of(Item::DeliveryPoint(index), fault))?;
        }
        Ok(())
    }
}

/// Where a configuration server is: others look for it there, so its port is one.
fn location_of(service: &str, location: &str) -> Result<(), EndpointFault> {
    match Endpoint::from_specification(service, location)? {
        Endpoint::Tcp(HostPort { port: 0, .. }) | Endpoint::Udp(HostPort { port: 0, .. }) => {
            Err(EndpointFault::PortZero)
        }
        _ => Ok(()),
    }
}

const fn of(item: Item, fault: EndpointFault) -> Invalid {
    Invalid { item, fault: Fault::Endpoint(fault) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::ContinuumNumber;
    use crate::ams::mib::{ServiceMode, TransportService};

    const GOOD: Mib<'_> = Mib {
        config_servers: &["@:2357", "192.0.2.1:2357"],
        default_madp: "@:0",
        default_delivery: &[DeliveryPointSpec { service: "tcp", endpoint: "post:2358" }],
        ..Mib::new(ContinuumNumber::from_bits(2), "near")
    };

    fn assert_invalid(mib: &Mib<'_>, item: Item, fault: EndpointFault) {
        let invalid = Invalid { item, fault: Fault::Endpoint(fault) };
        assert_eq!(mib.validate_endpoints(), Err(invalid));
    }

    #[test]
    fn annex_a_every_endpoint_of_a_mib_is_checked() {
        assert_eq!(GOOD.validate_endpoints(), Ok(()));
        let service = |name| TransportService { name, mode: ServiceMode::BEST_EFFORT };
        assert_invalid(
            &Mib { primary_transport: "fifo", ..GOOD },
            Item::PrimaryTransport,
            EndpointFault::ServiceNumber,
        );
        for (location, fault) in [("@", EndpointFault::NoPort), ("@:0", EndpointFault::PortZero)] {
            let config_servers = ["@:1", location];
            let mib = Mib { config_servers: &config_servers, ..GOOD };
            assert_invalid(&mib, Item::ConfigServer(1), fault);
        }
        assert_invalid(
            &Mib { transports: &[service("udp"), service("smmqX")], ..GOOD },
            Item::Transport(1),
            EndpointFault::ServiceNumber,
        );
        assert_invalid(
            &Mib { default_madp: "a b:1", ..GOOD },
            Item::DefaultMadp,
            EndpointFault::HostName,
        );
        for (service, endpoint, fault) in [
            ("tcp", "post:x", EndpointFault::Port),
            ("fifo1", "/tmp/f", EndpointFault::NotSpecified),
            ("ipm", "1", EndpointFault::NotZero),
        ] {
            let points = [GOOD.default_delivery[0], DeliveryPointSpec { service, endpoint }];
            let mib = Mib { default_delivery: &points, ..GOOD };
            assert_invalid(&mib, Item::DeliveryPoint(1), fault);
        }
    }

    #[test]
    fn endpoints_of_other_services_are_theirs() {
        let mib = Mib { primary_transport: "uart", config_servers: &["3"], ..GOOD };
        assert_eq!(Mib { default_madp: "7", ..mib }.validate_endpoints(), Ok(()));
    }
}
