//! Tells the linker where the board has its memory.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(missing)?);
    let memory = match env::var("TARGET").map_err(|_| missing())?.as_str() {
        "thumbv6m-none-eabi" => "memory/microbit.x",
        "riscv32imac-unknown-none-elf" => "memory/virt.x",
        _ => "memory/mps2-an386.x",
    };
    fs::copy(memory, out.join("memory.x"))?;
    println!("cargo:rerun-if-changed=memory");
    println!("cargo:rustc-link-search={}", out.display());
    // What is weighed is linked as it is; what runs is laid out for its board.
    for bin in ["publisher", "rows", "stacks", "counts", "ssd"] {
        println!("cargo:rustc-link-arg-bin={bin}=--nmagic");
        println!("cargo:rustc-link-arg-bin={bin}=-Tlink.x");
    }
    Ok(())
}
