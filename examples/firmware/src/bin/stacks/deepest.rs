//! The deepest that something has got.

use crate::stack::Painted;

/// Octets of the stack.
#[derive(Default)]
pub struct Deepest(usize);

impl Deepest {
    /// Runs it, and looks how deep that got.
    #[inline(never)]
    pub fn of(&mut self, run: impl FnOnce()) {
        let painted = Painted::fresh();
        run();
        self.0 = self.0.max(painted.depth());
    }

    /// The deepest so far.
    pub const fn octets(&self) -> usize {
        self.0
    }
}
