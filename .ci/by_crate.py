#!/usr/bin/env python3
"""Octets of code and constants of a firmware by crate.

by_crate.py ELF BUDGET: fails if all of it but smoltcp is more than BUDGET octets.

Code, by the ELF's line tables: an octet belongs to the crate whose source the compiler made it
of. Where calls were inlined that is the innermost of the nested sources, but for those of
`core`, `alloc` and crates of containers: what of them is inlined belongs to who uses it, and
what is not stands for itself. So a piece of smoltcp is smoltcp's wherever it was inlined, and
nothing that smoltcp calls outside of itself is.

Constants, by their symbol; without a name, by the code that first names their address.

The initial values of statics are in flash too, and counted as a row of their own.
"""

import bisect
import collections
import os
import re
import struct
import subprocess
import sys

LIBRARY = {"core", "alloc"}
CONTAINERS = {"heapless", "managed", "bitflags", "static_cell", "critical_section"}
# Nobody else on the board uses it.
PART_OF = {"managed": "smoltcp"}

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Places of sources, most telling first.
PLACES = [
    (re.compile(r"/(?:registry/src|git/checkouts|vendor)/(?:[^/]+/)?([A-Za-z0-9_-]+?)-\d+\.\d[^/]*/"), None),
    (re.compile(r"/library/compiler-builtins/"), "compiler_builtins"),
    (re.compile(r"/library/(core|alloc)/"), None),
    (re.compile(r"/examples/firmware/"), "the board itself"),
    (re.compile(re.escape(HERE) + r"/src/"), "farpost"),
]


def tool(name, *arguments, lines=None):
    return subprocess.run(["arm-none-eabi-" + name, *arguments], input=lines,
                          capture_output=True, check=True, text=True).stdout.splitlines()


def crate_of(path):
    for place, name in PLACES:
        found = place.search(path)
        if found:
            return (name or found[1]).replace("-", "_")
    return None


def owner(frames):
    """The crate of the frames of an address, innermost first."""
    crates = [crate for crate in map(crate_of, frames) if crate]
    for crate in crates:
        if crate not in LIBRARY and crate not in CONTAINERS:
            return crate
    # Nothing but containers and the library: the outermost stands for itself.
    return PART_OF.get(crates[-1], crates[-1]) if crates else None


def sections(elf):
    """Name, address, size and place in the file of what is loaded and does not change."""
    lines = tool("objdump", "-h", elf)
    for head, flags in zip(lines, lines[1:]):
        parts = head.split()
        if len(parts) == 7 and parts[0].isdigit() and "ALLOC" in flags and "CONTENTS" in flags:
            name, (size, address, _, place) = parts[1], (int(each, 16) for each in parts[2:6])
            yield name, address, size, place, "READONLY" not in flags


def symbols(elf):
    """Address, size, kind and name of all that have a size."""
    found = []
    for line in tool("nm", "-S", "--demangle", elf):
        parts = line.split(" ", 3)
        if len(parts) == 4:
            found.append((int(parts[0], 16) & ~1, int(parts[1], 16), parts[2], parts[3]))
    return sorted(found)


def named(name):
    """The crate a symbol's name begins with."""
    found = re.match(r"(?:<|&|mut |\[|\(|dyn |impl )*([a-z_][a-z_0-9]*)(?:\[[0-9a-f]+\])?::", name)
    return found and found[1]


def code_owners(elf, start, size, code):
    """The owner of each halfword of code, by address."""
    addresses = range(start, start + size, 2)
    lines = tool("addr2line", "-i", "-a", "-e", elf, lines="\n".join(map(hex, addresses)))
    owners, address, frames = {}, None, []
    for line in [*lines, "0x0"]:
        if re.fullmatch(r"0x[0-9a-f]+", line):
            if address is not None:
                owners[address] = owner(frames)
            address, frames = int(line, 16), []
        else:
            frames.append(line)
    # What has no line is assembly, or outlined: its symbol tells.
    for at, length, _, name in code:
        for address in range(at, at + length, 2):
            if owners.get(address, "") is None:
                owners[address] = by_name(name)
    return owners


def by_name(name):
    if name.startswith("OUTLINED_FUNCTION"):
        return "outlined by the compiler"
    if name.startswith("__aeabi") or name.startswith("__") or name in ("memcpy", "memmove", "memset"):
        return "compiler_builtins"
    return named(name)


def main(elf, budget):
    with open(elf, "rb") as file:
        octets = file.read()
    loaded = list(sections(elf))
    all_symbols = symbols(elf)
    sizes = collections.Counter()
    refers = {}
    for name, start, size, place, changes in loaded:
        if changes:
            sizes["initial values of statics"] += size
        elif name == ".text":
            code = [each for each in all_symbols if each[2] in "tTwW"]
            owners = code_owners(elf, start, size, code)
            for address, crate in owners.items():
                sizes[crate or "code nobody tells of"] += min(2, start + size - address)
            # Literals: addresses of constants.
            for offset in range(0, size - 3, 4):
                word, = struct.unpack_from("<I", octets, place + offset)
                refers.setdefault(word, owners.get(start + offset))
    for name, start, size, place, changes in loaded:
        if changes or name == ".text":
            continue
        if name.startswith(".vector_table"):
            sizes["vector table"] += size
            continue
        constants = [each for each in all_symbols if each[2] in "rR" and start <= each[0] < start + size]
        # Each octet is of the symbol it is in, or of the nearest address before it that is named.
        marks = {at: named(name) for at, _, _, name in constants if named(name)}
        for word, crate in refers.items():
            if start <= word < start + size and crate:
                marks.setdefault(word, crate)
        places = sorted(marks)
        for address in range(start, start + size):
            index = bisect.bisect_right(places, address) - 1
            crate = marks[places[index]] if index >= 0 else None
            sizes[PART_OF.get(crate, crate) or "constants nobody tells of"] += 1
    total = sum(sizes.values())
    for name, count in sizes.most_common():
        print(f"{name:28} {count:7}")
    without = total - sizes["smoltcp"]
    print(f"{'all of it':28} {total:7}")
    print(f"{'without smoltcp':28} {without:7} of {budget}")
    return without <= budget


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], int(sys.argv[2])) else 1)
