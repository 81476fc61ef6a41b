//! What the commands put on the wire: a socket of the test's own plays their peers
//! and reads every octet by section 5.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use farpost::ams::ids::{
    Domain, ModuleId, ModuleNumber, Priority, RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use farpost::ams::pdu::{
    Aams, AssertionValues, CellDescriptor, ContactSummaryValues, Content, DeliveryPoint,
    DeliveryVectorValues, EndpointName, MessageType, Mpdu, MpduHeader, MpduType, Sender,
};
use farpost::host::clock::system_utc;
use farpost::wire::{Encode, TimeCode};
use serde_json::json;

use super::child::Network;

/// The peers of the commands, all at one socket.
struct Peers {
    socket: UdpSocket,
    /// Where the last MPDU came from.
    of: Option<SocketAddr>,
}

/// The other module the peers play.
const OTHER: ModuleId =
    ModuleId { role: RoleNumber(3), unit: UnitNumber::ROOT, module: ModuleNumber(9) };

impl Peers {
    fn at(at: SocketAddr) -> Self {
        let socket = UdpSocket::bind(at).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        Self { socket, of: None }
    }

    /// The next datagram, and where it came from.
    fn datagram(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_536];
        let (length, from) = self.socket.recv_from(&mut buffer).expect("a datagram");
        buffer.truncate(length);
        (buffer, from)
    }

    /// The next MPDU of type `kind`, which is as the standard wants it; so are those
    /// before it.
    fn mpdu<T>(&mut self, kind: MpduType, then: impl Fn(&Mpdu<'_>) -> T) -> T {
        loop {
            let (octets, from) = self.datagram();
            self.of = Some(from);
            let mpdu = Mpdu::parse(&octets).expect("well-formed");
            assert!(mpdu.deviations().is_empty(), "{mpdu:?}");
            assert!(mpdu.checksum().is_some(), "{mpdu:?}");
            if mpdu.mpdu_type() == kind {
                return then(&mpdu);
            }
        }
    }

    fn answer(&self, sender: Sender, content: &Content<'_>) {
        self.answer_raw(sender, content.mpdu_type(), content.reference(), content);
    }

    fn answer_raw(&self, sender: Sender, kind: MpduType, reference: u32, what: &dyn Encode) {
        let time = TimeCode::new(system_utc(), 37);
        let header = MpduHeader { sender, time, signature: &[], checksum: true };
        let mut buffer = [0; 512];
        let octets = header.encode_raw(kind, reference, what, &time, &mut buffer).unwrap();
        self.socket.send_to(octets, self.of.expect("somebody spoke")).unwrap();
    }

    /// Plays the configuration server and the registrar until the module is
    /// registered; gives its contact summary as text.
    fn register(&mut self) -> Vec<String> {
        let own = self.socket.local_addr().unwrap().to_string();
        let (query, asked) = self.mpdu(MpduType::REGISTRAR_QUERY, |mpdu| match mpdu.content() {
            Content::RegistrarQuery { query, endpoint } => (query, endpoint.as_str().to_owned()),
            other => panic!("{other:?}"),
        });
        let registrar = EndpointName::new(&own).unwrap();
        let cell = CellDescriptor { unit: UnitNumber::ROOT, registrar };
        self.answer(Sender::CONFIGURATION_SERVER, &Content::CellSpec { echo: query, cell });
        let (query, names) = self.mpdu(MpduType::MODULE_REGISTRATION, |mpdu| {
            assert_eq!(mpdu.sender(), sender(2));
            let Content::ModuleRegistration { query, contact } = mpdu.content() else {
                panic!("{mpdu:?}");
            };
            let mut names = vec![asked.clone(), contact.endpoint.as_str().to_owned()];
            for vector in contact.delivery_vectors.iter() {
                let number = vector.number();
                names.extend(vector.points().map(|at| format!("{number} {at:?}")));
                names.extend(vector.points().map(|at| at.endpoint.to_owned()));
            }
            (query, names)
        });
        let module = ModuleNumber(1);
        self.answer(sender(0), &Content::YouAreIn { echo: query, module });
        names
    }

    /// Makes the other module known, which receives messages at this socket too.
    fn introduce_other(&self) {
        let own = self.socket.local_addr().unwrap().to_string();
        let points = [DeliveryPoint { service: "udp", endpoint: &own }];
        let contact = ContactSummaryValues {
            endpoint: EndpointName::new(&own).unwrap(),
            delivery_vectors: &[DeliveryVectorValues { number: 1, points: &points }],
        };
        self.answer_raw(sender(0), MpduType::MODULE_HAS_STARTED, OTHER.reference(), &contact);
        let asked = AssertionValues {
            subject: SubjectNumber(4),
            domain: Domain::ALL,
            delivery_vector: 1,
            priority: Priority::new(2).unwrap(),
            flow_label: 5,
        };
        self.answer_raw(sender(3), MpduType::SUBSCRIBE, OTHER.reference(), &asked);
    }
}

fn sender(role: u8) -> Sender {
    Sender { venture: VentureNumber(1), unit: UnitNumber::ROOT, role: RoleNumber(role) }
}

#[test]
fn a_module_speaks_as_the_standard_says() {
    for (style, prefix) in [("address", "127.0.0.1:"), ("decimal", "2130706433:")] {
        let network = Network::new();
        let mut peers = Peers::at(network.servers[0]);
        let mut module = network.start(
            "module",
            &[
                "--role",
                "ssd",
                "--endpoint-style",
                style,
                "--invite",
                "request,mode=assured,priority=4",
                "--wait-for-peers",
                "1",
                "--stdin",
                "--reregister",
            ],
        );
        let names = peers.register();
        assert_eq!(names.len(), 6, "{names:?}");
        assert_eq!(names[0], names[1]);
        for name in [&names[0], &names[3], &names[5]] {
            assert!(name.starts_with(prefix), "{name}");
        }
        assert!(names[2].contains("1 ") && names[2].contains("udp"), "{names:?}");
        assert!(names[4].contains("2 ") && names[4].contains("tcp"), "{names:?}");

        let own = ModuleId { role: RoleNumber(2), unit: UnitNumber::ROOT, module: ModuleNumber(1) };
        let invitation = |mpdu: &Mpdu<'_>| match mpdu.content() {
            Content::Invite { module, assertion } => (module, assertion.values()),
            other => panic!("{other:?}"),
        };
        let (module_id, gateway) = peers.mpdu(MpduType::INVITE, invitation);
        assert_eq!(
            (module_id, gateway.subject, gateway.domain.role),
            (own, SubjectNumber(-2), RoleNumber::RAMS_GATEWAY)
        );
        let (_, request) = peers.mpdu(MpduType::INVITE, invitation);
        assert_eq!(
            (request.subject, request.domain, request.delivery_vector),
            (SubjectNumber(5), Domain::ALL, 2)
        );
        assert_eq!(request.priority.get(), 4);
        assert_eq!(peers.mpdu(MpduType::HEARTBEAT, |mpdu| mpdu.reference()), 1);

        peers.introduce_other();
        module.line(|line| line["indication"] == "assert_subscription" && line["module"] == 9);
        module.say(&json!({"publish": {"subject": "report", "data": "odd", "context": 6}}));
        let octets = loop {
            let (octets, _) = peers.datagram();
            if Mpdu::parse(&octets).is_err() {
                break octets;
            }
        };
        let message = Aams::parse(&octets).expect("well-formed");
        assert!(message.deviations().is_empty() && message.checksum().is_some());
        let header = message.header().unwrap();
        assert_eq!((header.message_type, header.source), (MessageType::Unary, own.key()));
        assert_eq!((header.priority.get(), header.flow_label, header.context.0), (2, 5, 6));
        assert_eq!((message.subject(), message.data()), (SubjectNumber(4), &b"odd"[..]));

        peers.answer(sender(0), &Content::YouAreDead);
        module.line(|line| line["indication"] == "module_is_dead");
        peers.register();
        module.line(|line| line["done"] == "invite" && line["again"] == true);
        peers.mpdu(MpduType::INVITE, invitation);
        assert_eq!(peers.mpdu(MpduType::INVITE, invitation).1, request);
        module.end_input();
        let stopped = peers.mpdu(MpduType::I_AM_STOPPING, |mpdu| mpdu.reference());
        assert_eq!(stopped, own.reference());
        assert_eq!(module.status(), Some(0));
    }
}

#[test]
fn a_module_that_is_declared_dead_ends() {
    let network = Network::new();
    let mut peers = Peers::at(network.servers[0]);
    let mut module = network.start("module", &["--role", "ssd"]);
    peers.register();
    module.line(|line| line["indication"] == "register" && line["own"] == true);
    peers.answer(sender(0), &Content::YouAreDead);
    assert_eq!(module.event("ended")["reason"], "dead");
    assert_eq!(module.status(), Some(1));
}

#[test]
fn a_registrar_speaks_as_the_standard_says() {
    for (style, prefix) in [("address", "127.0.0.1:"), ("decimal", "2130706433:")] {
        let network = Network::new();
        let mut peers = Peers::at(network.servers[0]);
        let mut registrar = network.start("registrar", &["--endpoint-style", style]);
        let query = peers.mpdu(MpduType::ANNOUNCE_REGISTRAR, |mpdu| match mpdu.content() {
            Content::AnnounceRegistrar { query, endpoint } => {
                assert!(endpoint.as_str().starts_with(prefix), "{endpoint:?}");
                query
            }
            other => panic!("{other:?}"),
        });
        peers.answer(Sender::CONFIGURATION_SERVER, &Content::RegistrarNoted { echo: query });
        registrar.event("noted");
        peers.mpdu(MpduType::HEARTBEAT, |mpdu| assert_eq!(mpdu.sender(), sender(0)));
    }
}

#[test]
fn a_server_speaks_as_the_standard_says() {
    let network = Network::new();
    let mut server = network.start("server", &[]);
    server.event("started");
    let mut peers = Peers::at("127.0.0.1:0".parse().unwrap());
    peers.of = Some(network.servers[0]);
    let own = peers.socket.local_addr().unwrap().to_string();
    let endpoint = EndpointName::new(&own).unwrap();
    peers.answer(sender(2), &Content::RegistrarQuery { query: 70, endpoint });
    let echo = peers.mpdu(MpduType::REGISTRAR_UNKNOWN, |mpdu| mpdu.reference());
    assert_eq!(echo, 70);
    peers.answer(sender(0), &Content::AnnounceRegistrar { query: 71, endpoint });
    peers.mpdu(MpduType::REGISTRAR_NOTED, |mpdu| {
        assert_eq!((mpdu.reference(), mpdu.sender()), (71, Sender::CONFIGURATION_SERVER));
    });
    assert_eq!(server.event("registrar_noted")["endpoint"], own);
    peers.answer(sender(2), &Content::RegistrarQuery { query: 72, endpoint });
    let mut cell_spec = || {
        peers.mpdu(MpduType::CELL_SPEC, |mpdu| match mpdu.content() {
            Content::CellSpec { echo, cell } => {
                assert_eq!(cell.registrar.as_str(), own);
                echo
            }
            other => panic!("{other:?}"),
        })
    };
    // The first tells the registrar of its own cell, for there is no other, and is said again
    // every N5.
    assert_eq!(cell_spec(), 0);
    let answer = loop {
        match cell_spec() {
            0 => {}
            echo => break echo,
        }
    };
    assert_eq!(answer, 72);
}
