//! A carriage of the test: two ends that hand RPDUs to one another, and a switch.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use farpost::host::rams::{Arrivals, RamsCarriage};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, SendError};
use mio::{Registry, Token};

type Queue = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    name: &'static str,
    other: &'static str,
    out: Queue,
    back: Queue,
    cut: Rc<Cell<bool>>,
}

const NUMBER: u8 = 77;

impl Pipe {
    pub(crate) fn pair() -> (Self, Self) {
        let (out, back, cut) = (Queue::default(), Queue::default(), Rc::default());
        let near = Self { name: "near", other: "far", out, back, cut };
        let far = Self {
            name: "far",
            other: "near",
            out: near.back.clone(),
            back: near.out.clone(),
            cut: near.cut.clone(),
        };
        (near, far)
    }

    /// Nothing goes through, in either direction.
    pub(crate) fn cut(&self, cut: bool) {
        self.cut.set(cut);
    }
}

impl RamsCarriage for Pipe {
    fn service(&self) -> &str {
        "pipe"
    }

    fn number(&self) -> u8 {
        NUMBER
    }

    fn register(&mut self, _registry: &Registry, _token: Token) -> io::Result<()> {
        Ok(())
    }

    fn resolve(&mut self, _now: Now, endpoint: &str) -> Option<Address> {
        assert_ne!(endpoint, self.name, "nobody speaks to itself");
        (endpoint == self.other).then(|| Address::new(NUMBER, endpoint.as_bytes()))
    }

    fn send(&mut self, _now: Now, to: &Address, octets: &[u8]) -> Result<(), SendError> {
        assert_eq!(to.octets(), self.other.as_bytes());
        if self.cut.get() {
            return Err(SendError::Busy);
        }
        self.out.borrow_mut().push_back(octets.to_vec());
        Ok(())
    }

    fn receive(&mut self, _now: Now, into: &mut Arrivals) {
        while !into.is_full()
            && let Some(octets) = self.back.borrow_mut().pop_front()
        {
            into.push(Address::new(NUMBER, self.other.as_bytes()), &octets);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        (!self.back.borrow().is_empty()).then_some(Instant::ZERO)
    }
}
