//! The default endpoints of a module on a host, as its MIB has them
//! (735.1-B-1 3.1.3.5, 8.1 f and g).

use std::format;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::vec::Vec;

use super::module::ModuleSockets;
use super::net::{TcpReceiver, UdpEndpoint, resolve_endpoint};
use crate::ams::endpoint::{Endpoint, Host};
use crate::ams::mib::Mib;

/// What a host knows of itself, and what is to be otherwise than the MIB has it.
#[derive(Clone, Copy, Debug)]
pub struct BindOptions {
    /// The address of the local host, which `@` stands for.
    pub local: IpAddr,
    /// The address of all sockets, whatever the MIB says.
    pub ip: Option<IpAddr>,
    /// The port for MPDUs, whatever the MIB says.
    pub mams_port: Option<u16>,
}

impl BindOptions {
    /// Nothing is to be otherwise.
    #[must_use]
    pub const fn new(local: IpAddr) -> Self {
        Self { local, ip: None, mams_port: None }
    }

    /// Where an endpoint specification leads to.
    fn place(&self, service: &str, text: &str) -> io::Result<SocketAddr> {
        let unknown = || io::Error::other(format!("`{text}` is not known here"));
        let specified = Endpoint::from_specification(service, text);
        let (Endpoint::Udp(specified) | Endpoint::Tcp(specified)) =
            specified.map_err(io::Error::other)?
        else {
            return Err(io::Error::other(format!("there is no `{service}` here")));
        };
        let ip = match (self.ip, specified.host) {
            (Some(ip), _) => ip,
            (None, Host::Local) => self.local,
            (None, Host::Address(ip)) => ip,
            (None, Host::Name(_)) => resolve_endpoint(text).ok_or_else(unknown)?.ip(),
        };
        Ok(SocketAddr::new(ip, specified.port))
    }

    fn any(&self) -> SocketAddr {
        SocketAddr::new(self.ip.unwrap_or(self.local), 0)
    }
}

impl ModuleSockets {
    /// Binds the sockets of a module where its MIB says: for MPDUs at the default
    /// MADP, for messages at the first delivery point of UDP, and the first of TCP,
    /// that is free. Where none is free, which is usual for all but the first module
    /// of a host, or the MIB names none, the system chooses the port. A MIB that has
    /// delivery points of one of the services only offers that one; points of
    /// services a host has not got are passed over.
    ///
    /// # Errors
    /// What the system says, with the address it says it of; and when the MIB has
    /// delivery points, but none of a host's services.
    pub fn bind_by_mib(mib: &Mib<'_>, options: &BindOptions) -> io::Result<Self> {
        let madp = match mib.default_madp {
            "" => options.any(),
            text => options.place(mib.primary_transport, text)?,
        };
        let mams = match options.mams_port {
            Some(port) => at(SocketAddr::new(madp.ip(), port), UdpEndpoint::bind)?,
            None => first_free(&[madp], UdpEndpoint::bind)?,
        };
        let points = |service: &str| -> io::Result<Vec<SocketAddr>> {
            let points = mib.default_delivery.iter().filter(|point| point.service == service);
            points.map(|point| options.place(service, point.endpoint)).collect()
        };
        let any = [options.any()];
        let (udp, tcp) = (points("udp")?, points("tcp")?);
        let (udp, tcp) = match (mib.default_delivery, &udp[..], &tcp[..]) {
            ([], ..) => (&any[..], &any[..]),
            (_, [], []) => {
                let problem = "none of the MIB's delivery points is of `udp` or `tcp`";
                return Err(io::Error::other(problem));
            }
            (_, udp, tcp) => (udp, tcp),
        };
        let udp_in = (!udp.is_empty()).then(|| first_free(udp, UdpEndpoint::bind)).transpose()?;
        let tcp_in = (!tcp.is_empty()).then(|| first_free(tcp, TcpReceiver::bind)).transpose()?;
        let offered = udp_in.is_some();
        // Messages go out by UDP in any case.
        let aams = udp_in.map_or_else(|| at(options.any(), UdpEndpoint::bind), Ok)?;
        Ok(Self::of(mams, (aams, offered), tcp_in))
    }
}

/// Binds the first of `places` whose port is free, or else any port of the first.
fn first_free<T>(
    places: &[SocketAddr],
    bind: impl Fn(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    for place in places {
        match at(*place, &bind) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
    match places {
        [first, ..] => at(SocketAddr::new(first.ip(), 0), bind),
        [] => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

fn at<T>(place: SocketAddr, bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    bind(place)
        .map_err(|error| io::Error::new(error.kind(), format!("{place} cannot be bound: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::ContinuumNumber;
    use crate::ams::mib::DeliveryPointSpec;
    use crate::host::net::NameStyle;
    use bumpalo::Bump;
    use std::net::Ipv4Addr;
    use std::string::{String, ToString};

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// The services of the delivery points of a module with this MIB.
    fn services(mib: &Mib<'_>) -> io::Result<Vec<String>> {
        let arena = Bump::new();
        let sockets = ModuleSockets::bind_by_mib(mib, &BindOptions::new(LOCAL))?;
        let contact = sockets.contact(&arena, NameStyle::Address).unwrap();
        let points = contact.delivery_vectors.iter().flat_map(|vector| vector.points);
        Ok(points.map(|point| point.service.to_string()).collect())
    }

    fn mib() -> Mib<'static> {
        Mib::new(ContinuumNumber::from_bits(1), "test")
    }

    #[test]
    fn clause_3_1_3_5_the_default_madp_has_a_host_and_a_port() {
        // A port that is free, as the system sees it, and then is not.
        let taken = UdpEndpoint::bind(SocketAddr::new(LOCAL, 0)).unwrap();
        let text = taken.local().to_string();
        let mib = Mib { default_madp: &text, ..mib() };
        let other = ModuleSockets::bind_by_mib(&mib, &BindOptions::new(LOCAL)).unwrap();
        assert_eq!(other.mams().ip(), LOCAL);
        assert_ne!(other.mams().port(), taken.local().port());
        // What is asked for goes before the MIB, and is not replaced.
        let port = taken.local().port();
        let options = BindOptions { mams_port: Some(port), ..BindOptions::new(LOCAL) };
        let refused = ModuleSockets::bind_by_mib(&mib, &options).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        assert!(refused.to_string().contains(&text), "{refused}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn clause_3_1_3_5_the_default_madp_is_taken_where_it_is_free() {
        // Nobody else binds this address of the loopback, so a port of it stays free.
        let place = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 77, 3, 135)), 0);
        let text = UdpEndpoint::bind(place).unwrap().local().to_string();
        let mib = Mib { default_madp: &text, ..mib() };
        let sockets = ModuleSockets::bind_by_mib(&mib, &BindOptions::new(LOCAL)).unwrap();
        assert_eq!(sockets.mams().to_string(), text);
    }

    #[test]
    fn clause_3_1_3_5_delivery_points_are_those_of_the_mib() {
        assert_eq!(services(&mib()).unwrap(), ["udp", "tcp"]);
        let point = |service| DeliveryPointSpec { service, endpoint: "@:0" };
        let with =
            |points: &[DeliveryPointSpec<'_>]| services(&Mib { default_delivery: points, ..mib() });
        assert_eq!(with(&[point("tcp")]).unwrap(), ["tcp"]);
        assert_eq!(with(&[point("dgr"), point("udp")]).unwrap(), ["udp"]);
        assert_eq!(with(&[point("tcp"), point("udp")]).unwrap(), ["udp", "tcp"]);
        assert!(with(&[point("dgr")]).is_err());
        let taken = TcpReceiver::bind(SocketAddr::new(LOCAL, 0)).unwrap();
        let text = taken.local().to_string();
        let points = [DeliveryPointSpec { service: "tcp", endpoint: &text }, point("tcp")];
        assert_eq!(with(&points).unwrap(), ["tcp"], "the second, or any");
    }

    #[test]
    fn what_is_not_of_this_host_is_told() {
        let elsewhere = Mib { default_madp: "192.0.2.1:9", ..mib() };
        let error = ModuleSockets::bind_by_mib(&elsewhere, &BindOptions::new(LOCAL)).unwrap_err();
        assert!(error.to_string().starts_with("192.0.2.1:9 cannot be bound"), "{error}");
        let options = BindOptions { ip: Some(LOCAL), ..BindOptions::new(LOCAL) };
        assert!(ModuleSockets::bind_by_mib(&elsewhere, &options).is_ok(), "unless told otherwise");
        let ill = Mib { default_madp: "post", ..mib() };
        let error = ModuleSockets::bind_by_mib(&ill, &BindOptions::new(LOCAL)).unwrap_err();
        assert_eq!(error.to_string(), "it has no port");
    }
}
