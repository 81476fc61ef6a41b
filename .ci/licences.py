"""Holds the licences and sources of all dependencies of a manifest against deny.toml, for
where cargo-deny is not installed."""

import json
import re
import subprocess
import sys
import tomllib

with open("deny.toml", "rb") as file:
    licences = tomllib.load(file)["licenses"]
everywhere = set(licences["allow"])
exceptions = {exception["crate"]: exception["allow"] for exception in licences["exceptions"]}
metadata = subprocess.run(
    ["cargo", "metadata", "--all-features", "--locked", "--format-version", "1",
     "--manifest-path", sys.argv[1]],
    check=True,
    stdout=subprocess.PIPE,
)
packages = json.loads(metadata.stdout)["packages"]


def permitted(name, expression):
    """Whether an SPDX expression can be met with what the crate is allowed."""
    allowed = everywhere.union(exceptions.get(name, []))
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
    if not permitted(package["name"], package["license"] or "none"):
        faults.append(f"{name}: {package['license']}")
print(f"{sys.argv[1]}: {len(packages)} packages, {len(faults)} faults", *faults, sep="\n")
sys.exit(bool(faults))
