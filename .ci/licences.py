"""Holds the licences and sources of all dependencies against deny.toml, for where
cargo-deny is not installed."""

import json
import re
import subprocess
import sys
import tomllib

with open("deny.toml", "rb") as file:
    allowed = set(tomllib.load(file)["licenses"]["allow"])
metadata = subprocess.run(
    ["cargo", "metadata", "--all-features", "--locked", "--format-version", "1"],
    check=True,
    stdout=subprocess.PIPE,
)
packages = json.loads(metadata.stdout)["packages"]


def permitted(expression):
    """Whether an SPDX expression can be met with what is allowed."""
    words = re.findall(r"[\w.+-]+|[()]", expression.replace("/", " OR ").replace(" or ", " OR "))
    operators = {"OR": "or", "AND": "and", "(": "(", ")": ")"}
    # An exception widens a licence; the licence alone is judged.
    while "WITH" in words:
        at = words.index("WITH")
        del words[at : at + 2]
    return eval(" ".join(operators.get(word, str(word in allowed)) for word in words))


faults = []
for package in packages:
    name = f"{package['name']} {package['version']}"
    source = package["source"]
    if source and not source.startswith("registry+https://github.com/rust-lang/crates.io-index"):
        faults.append(f"{name}: from {source}")
    if not permitted(package["license"] or "none"):
        faults.append(f"{name}: {package['license']}")
print(f"{len(packages)} packages, {len(faults)} faults", *faults, sep="\n")
sys.exit(bool(faults))
