//! The Ethernet controller LAN9118 as a device of smoltcp: no DMA, its FIFOs are read
//! and written word by word.

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;
use static_cell::ConstStaticCell;

use super::registers::Registers;

const RX_DATA: usize = 0x00;
const TX_DATA: usize = 0x20;
const RX_STATUS: usize = 0x40;
const TX_STATUS: usize = 0x48;
const IRQ_CONFIG: usize = 0x54;
const INT_STATUS: usize = 0x58;
const INT_ENABLE: usize = 0x5c;
const FIFO_INT: usize = 0x68;
const TX_CONFIG: usize = 0x70;
const HW_CONFIG: usize = 0x74;
const RX_FIFO_INFO: usize = 0x7c;
const TX_FIFO_INFO: usize = 0x80;
const MAC_COMMAND: usize = 0xa4;
const MAC_DATA: usize = 0xa8;

const SOFT_RESET: u32 = 1;
const STORE_AND_FORWARD: u32 = 1 << 20;
const TX_FIFO_5_KB: u32 = 5 << 16;
const TX_ON: u32 = 1 << 1;
/// The receiver's status FIFO holds more than its level, which is 0.
const RX_STATUS_LEVEL: u32 = 1 << 3;
/// The interrupt is on, active high, push and pull.
const IRQ_ON: u32 = 1 << 8 | 1 << 4 | 1;
const RX_ERROR: u32 = 1 << 15;
const MAC_BUSY: u32 = 1 << 31;
const FIRST_AND_LAST: u32 = 1 << 13 | 1 << 12;

/// Registers behind the MAC's two: its control, and its address.
const MAC_CONTROL: u32 = 1;
const MAC_ADDRESS_HIGH: u32 = 2;
const MAC_ADDRESS_LOW: u32 = 3;
const MAC_TX_AND_RX: u32 = 1 << 3 | 1 << 2;

/// Octets of the longest frame, without its checksum.
const FRAME: usize = 1_514;
/// The same in whole words.
const BUFFER: usize = 1_516;

static RECEIVED: ConstStaticCell<[u8; BUFFER]> = ConstStaticCell::new([0; BUFFER]);
static SENT: ConstStaticCell<[u8; BUFFER]> = ConstStaticCell::new([0; BUFFER]);

/// Frames, and their octets.
#[derive(Clone, Copy)]
pub struct Traffic {
    pub frames: u32,
    pub octets: u32,
}

impl Traffic {
    const NONE: Self = Self { frames: 0, octets: 0 };

    fn count(&mut self, octets: u32) {
        self.frames = self.frames.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets);
    }
}

/// The controller, with room for a frame each way.
pub struct Lan9118 {
    registers: Registers,
    /// What has come, and what went out.
    pub came: Traffic,
    pub went: Traffic,
    received: &'static mut [u8; BUFFER],
    sent: &'static mut [u8; BUFFER],
}

impl Lan9118 {
    /// The controller. It can be had once.
    pub(super) fn new(registers: Registers) -> Self {
        let (came, went) = (Traffic::NONE, Traffic::NONE);
        Self { registers, came, went, received: RECEIVED.take(), sent: SENT.take() }
    }

    /// Resets it and turns it on.
    pub fn start(&mut self, address: EthernetAddress) {
        let registers = self.registers;
        registers.write(HW_CONFIG, SOFT_RESET);
        while registers.read(HW_CONFIG) & SOFT_RESET != 0 {}
        registers.write(HW_CONFIG, STORE_AND_FORWARD | TX_FIFO_5_KB);
        let [a, b, c, d, e, f] = address.0;
        self.write_mac(MAC_ADDRESS_LOW, u32::from_le_bytes([a, b, c, d]));
        self.write_mac(MAC_ADDRESS_HIGH, u32::from_le_bytes([e, f, 0, 0]));
        self.write_mac(MAC_CONTROL, MAC_TX_AND_RX);
        registers.write(TX_CONFIG, TX_ON);
        registers.write(FIFO_INT, 0);
        registers.write(INT_ENABLE, RX_STATUS_LEVEL);
        registers.write(IRQ_CONFIG, IRQ_ON);
    }

    fn write_mac(&self, register: u32, value: u32) {
        while self.registers.read(MAC_COMMAND) & MAC_BUSY != 0 {}
        self.registers.write(MAC_DATA, value);
        self.registers.write(MAC_COMMAND, MAC_BUSY | register);
        while self.registers.read(MAC_COMMAND) & MAC_BUSY != 0 {}
    }

    /// Whether a frame waits to be read.
    pub fn has_frame(&self) -> bool {
        self.registers.read(RX_FIFO_INFO) >> 16 & 0xff != 0
    }

    /// Has it interrupt for what arrives from now on.
    pub fn clear_interrupt(&self) {
        self.registers.write(INT_STATUS, u32::MAX);
    }

    /// Reads the next good frame into the buffer: how long it is.
    fn read_frame(&mut self) -> Option<usize> {
        while self.has_frame() {
            let status = self.registers.read(RX_STATUS);
            let with_checksum = (status >> 16 & 0x3fff) as usize;
            let mut room = self.received.chunks_exact_mut(4);
            for _word in 0..with_checksum.div_ceil(4) {
                let word = self.registers.read(RX_DATA).to_le_bytes();
                if let Some(room) = room.next() {
                    room.copy_from_slice(&word);
                }
            }
            let length = with_checksum.saturating_sub(4);
            if status & RX_ERROR == 0 && length <= FRAME {
                self.came.count(length as u32);
                return Some(length);
            }
        }
        None
    }
}

impl Device for Lan9118 {
    type RxToken<'a> = Frame<'a>;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Frame<'_>, Sender<'_>)> {
        let length = self.read_frame()?;
        let Self { registers, went, received, sent, .. } = self;
        let sender = Sender { registers: *registers, went, buffer: sent };
        Some((Frame(received.get(..length)?), sender))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sender<'_>> {
        // Nobody reads how sending went: what is lost is sent again by those who care.
        while self.registers.read(TX_FIFO_INFO) >> 16 & 0xff != 0 {
            self.registers.read(TX_STATUS);
        }
        let room = (self.registers.read(TX_FIFO_INFO) & 0xffff) as usize;
        let fits = room >= BUFFER + 8;
        let Self { registers, went, sent, .. } = self;
        fits.then_some(Sender { registers: *registers, went, buffer: sent })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }
}

/// A frame that was received.
pub struct Frame<'a>(&'a [u8]);

impl RxToken for Frame<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Room for a frame to be sent.
pub struct Sender<'a> {
    registers: Registers,
    went: &'a mut Traffic,
    buffer: &'a mut [u8; BUFFER],
}

impl TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let length = length.min(FRAME);
        let (frame, _) = self.buffer.split_at_mut(length);
        let result = write(frame);
        let octets = length as u32;
        self.went.count(octets);
        self.registers.write(TX_DATA, FIRST_AND_LAST | octets);
        self.registers.write(TX_DATA, octets);
        for word in self.buffer.chunks_exact(4).take(length.div_ceil(4)) {
            let word = word.try_into().map_or(0, u32::from_le_bytes);
            self.registers.write(TX_DATA, word);
        }
        result
    }
}
