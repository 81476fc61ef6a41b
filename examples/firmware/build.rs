//! Tells the linker where the board of the target has its memory.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let target = env::var("TARGET").unwrap_or_default();
    let riscv = target.starts_with("riscv32");
    let board = match () {
        () if riscv => "virt",
        () if target.starts_with("thumbv6m") => "microbit",
        () => "mps2-an386",
    };
    fs::copy(format!("memory/{board}.x"), out.join("memory.x"))?;
    // `cortex-m-rt` asks for the handlers of a device; no interrupt has one here.
    fs::write(out.join("device.x"), "")?;
    println!("cargo:rerun-if-changed=memory");
    println!("cargo:rustc-link-search={}", out.display());
    // All but the smallest have crates with defmt's marks, which old linkers lay out only if told.
    let marked = env::var_os("CARGO_FEATURE_BOARD").is_some();
    // What is weighed is linked as it is; what runs is laid out for its board.
    for bin in [
        "minimal",
        "publisher",
        "logged",
        "memory",
        "rows",
        "stacks",
        "stacks_agents",
        "counts",
        "post",
        "ssd",
        "ssd_tls",
    ] {
        println!("cargo:rustc-link-arg-bin={bin}=--nmagic");
        if riscv {
            // Its start-up code does not ask for it by itself.
            println!("cargo:rustc-link-arg-bin={bin}=-Tmemory.x");
        }
        println!("cargo:rustc-link-arg-bin={bin}=-Tlink.x");
        if marked {
            println!("cargo:rustc-link-arg-bin={bin}=-Tdefmt.x");
        }
    }
    // Without it errors alone are logged.
    println!("cargo:rustc-env=DEFMT_LOG=info");
    Ok(())
}
