//! Tells the linker where the board has its memory.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::copy("memory/mps2-an386.x", out.join("memory.x"))?;
    println!("cargo:rerun-if-changed=memory");
    println!("cargo:rustc-link-search={}", out.display());
    // What is weighed is linked as it is; what runs is laid out for its board.
    for bin in ["publisher", "rows", "stacks", "counts", "ssd"] {
        println!("cargo:rustc-link-arg-bin={bin}=--nmagic");
        println!("cargo:rustc-link-arg-bin={bin}=-Tlink.x");
    }
    Ok(())
}
