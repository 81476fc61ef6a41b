//! What a board does besides its sensing, whatever carries the messages of that: it has its clock
//! set, is a member of a message space, is managed, and is tuned by schedule.

use defmt::info;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use farpost::ams::carriage::Party;
use farpost::ams::module::Module;
use farpost::ams::service::Received;
use farpost::time::{Clock, Instant, Now, earliest};
use static_cell::StaticCell;

#[cfg(feature = "agents")]
use crate::agents::agreed::space::DESK;
use crate::device::Device;
use crate::device::clock::{BoardClock, TimeClient};
use crate::device::ethernet::{self, Way};
use crate::device::radio::Samples;
use crate::device::settings::Settings;
#[cfg(feature = "agents")]
use crate::managed::Managed;
use crate::member::Member;
use crate::network::{Network, Port, Ports};

static SITE: StaticCell<Site> = StaticCell::new();

/// The machines of the board, but for its device.
pub struct Site {
    clock: &'static BoardClock,
    time: TimeClient,
    synchronised: bool,
    pub member: Member,
    #[cfg(feature = "agents")]
    managed: Managed,
}

impl Site {
    /// The machines in their storage; the module hears those that are `invited`. They can be
    /// made once. `None` if a name is too long.
    #[inline(never)]
    pub fn new<L: AsRef<Ports>>(
        clock: &'static BoardClock,
        settings: &'static Settings<L>,
        invited: &'static [Party],
    ) -> Option<&'static mut Self> {
        let ports = settings.link.as_ref();
        Some(SITE.init(Self {
            clock,
            time: TimeClient::new(ethernet::host(settings.time)),
            synchronised: false,
            member: Member::new(ports, settings.boot, invited)?,
            #[cfg(feature = "agents")]
            managed: Managed::new(&settings.device, ports.controller)?,
        }))
    }

    /// Takes what has arrived and does what is due, but for what the device has to say. Messages
    /// of the module that are not the agent's are for `carried`. Returns the time of it.
    pub fn run<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples>(
        &mut self,
        network: &mut Network,
        device: &mut Device<S, P, D, A>,
        mut carried: impl FnMut(
            Now,
            &Received<'_>,
            (&mut Module<'static>, Way<'_>),
            &mut Device<S, P, D, A>,
        ),
    ) -> Now {
        network.poll();
        self.tell_time(network);
        // Every machine of the board has its turn here, with the time of the turn.
        let now = self.clock.now();
        // What introduces modules goes before what they sent.
        self.member.receive(now, network);
        while let Some((_, octets, way)) = network.receive(Port::Aams) {
            let Ok(delivery) = self.member.module.receive_aams(octets) else { continue };
            let (message, way) = (delivery.message(), (&mut self.member.module, way));
            #[cfg(feature = "agents")]
            if message.subject == DESK.subject {
                self.managed.receive(now, message, way, device);
                continue;
            }
            carried(now, message, way, device);
        }
        self.member.tick(now, network);
        device.sense(now);
        #[cfg(feature = "agents")]
        self.managed.run(now, network, &mut self.member, device);
        now
    }

    /// When it is next to be run even if nothing arrives, where the module carries something
    /// else that is due at `carried`.
    pub fn next_deadline(&self, now: Now, carried: Option<Instant>) -> Option<Instant> {
        #[cfg(feature = "agents")]
        let carried = earliest(carried, self.managed.carried_deadline());
        let member = self.member.next_deadline(now, carried);
        let next = earliest(member, Some(self.time.next_deadline()));
        #[cfg(feature = "agents")]
        let next = earliest(next, self.managed.next_deadline());
        next
    }

    /// Has the time server set the clock.
    fn tell_time(&mut self, network: &mut Network) {
        while let Some((_, octets, _)) = network.receive(Port::Time) {
            if self.time.receive(self.clock, octets) && !self.synchronised {
                self.synchronised = true;
                info!("clock set");
            }
        }
        self.time.tick(self.clock, &mut network.way(Port::Time));
    }
}
