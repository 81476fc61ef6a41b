//! The storage of a configuration server in one place, for those who know its
//! size when they compile.

use super::{Cell, ConfigServer, ConfigServerStorage};
use crate::storage::Slot;

/// Room for `CELLS` cells. It can be a `static`.
#[derive(Debug)]
pub struct ConfigServerMemory<const CELLS: usize> {
    cells: [Slot<Cell>; CELLS],
    buffer: [u8; ConfigServer::BUFFER_LEN],
}

impl<const CELLS: usize> ConfigServerMemory<CELLS> {
    /// Empty storage.
    #[must_use]
    pub const fn new() -> Self {
        Self { cells: [const { Slot::EMPTY }; CELLS], buffer: [0; ConfigServer::BUFFER_LEN] }
    }

    /// The storage, lent to a configuration server.
    pub const fn storage(&mut self) -> ConfigServerStorage<'_> {
        ConfigServerStorage { cells: &mut self.cells, buffer: &mut self.buffer }
    }
}

impl<const CELLS: usize> Default for ConfigServerMemory<CELLS> {
    fn default() -> Self {
        Self::new()
    }
}
