#!/usr/bin/env python3
"""Octets of code and constants of a firmware by crate, from its symbols.

by_crate.py ELF BUDGET: fails if all of it but smoltcp is more than BUDGET octets.
"""

import collections
import re
import subprocess
import sys

KINDS = "tTrRwW"
CRATES = ("farpost", "smoltcp", "microfft", "postcard", "serde_core", "serde", "heapless",
          "libm", "core", "compiler_builtins", "semihosting", "managed", "subtle", "ssd",
          "ssd_tls", "embedded_tls", "p256", "primeorder", "elliptic_curve", "crypto_bigint", "ecdsa",
          "der", "sec1", "aes", "aes_gcm", "ctr", "cipher", "ghash", "polyval", "digest", "sha2",
          "hmac", "hkdf", "ed25519_dalek", "ed25519", "curve25519_dalek")


def crate(name):
    found = re.match(r"(?:<|&|mut |\[|\(|dyn |impl )*([a-z_0-9]+)(?:\[[0-9a-f]+\])?::", name)
    if found and found[1] in CRATES:
        return found[1]
    return "other"


def main(elf, budget):
    lines = subprocess.run(
        ["arm-none-eabi-nm", "-S", "--demangle", "--print-size", elf],
        capture_output=True, check=True, text=True).stdout.splitlines()
    sizes = collections.Counter()
    for line in lines:
        parts = line.split(" ", 3)
        if len(parts) == 4 and parts[2] in KINDS:
            sizes[crate(parts[3])] += int(parts[1], 16)
    total = int(subprocess.run(
        ["arm-none-eabi-size", elf], capture_output=True, check=True,
        text=True).stdout.splitlines()[1].split()[0])
    sizes["constants without a symbol"] = total - sum(sizes.values())
    for name, octets in sizes.most_common():
        print(f"{name:28} {octets:7}")
    without = total - sizes["smoltcp"]
    print(f"{'all of it':28} {total:7}")
    print(f"{'without smoltcp':28} {without:7} of {budget}")
    return without <= budget


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], int(sys.argv[2])) else 1)
