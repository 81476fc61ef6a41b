//! The interrupt vectors of a board: as many as the emulated boards use, and none has a handler of
//! its own. Without this table `cortex-m-rt` puts one for 240 interrupts into flash.

unsafe extern "C" {
    fn DefaultHandler();
}

/// Up to the Ethernet controller's, the last that is unmasked.
const COUNT: usize = 14;

// SAFETY: this is where the linker script of `cortex-m-rt` looks for them, and what each is.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
pub static __INTERRUPTS: [unsafe extern "C" fn(); COUNT] = [DefaultHandler; COUNT];
