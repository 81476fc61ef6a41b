"""Prints the sets of features of the library that differ in what they turn on, one
set a line, each in its shortest form."""

import itertools
import json
import subprocess

metadata = subprocess.run(
    ["cargo", "metadata", "--no-deps", "--format-version", "1"], check=True, stdout=subprocess.PIPE
)
(package,) = json.loads(metadata.stdout)["packages"]
features = {name: turned_on for name, turned_on in package["features"].items() if name != "default"}


def closure(names):
    closed, open_ = set(), list(names)
    while open_:
        name = open_.pop()
        if name in features and name not in closed:
            closed.add(name)
            open_ += features[name]
    return frozenset(closed)


# Nothing else depends on whether these are on: what they need, some others, and all is
# enough. A feature that others bring along is not counted.
APART = {
    "flash": [set(), {"defmt"}, {"scos"}, {"alloc", "scos"}, set(features) - {"flash"}],
    "defmt": [set(), {"flash"}, {"management"}, {"southbound"}, {"scos"}, {"alloc", "scos"}, set(features) - {"defmt"}],
    "southbound": [set(), {"defmt"}, {"alloc"}, {"management"}, {"std"}],
    "management": [set(), {"defmt"}, {"alloc"}, {"southbound"}, {"std"}],
    "grpc": [set(), {"tls-psk"}, set(features) - {"grpc"}],
}


def is_tried(names):
    for name, others in APART.items():
        rest = closure(set(names) - {name})
        if name in names and name not in rest and rest not in map(closure, others):
            return False
    return True


seen = set()
for size in range(len(features) + 1):
    for names in itertools.combinations(sorted(features), size):
        if (closed := closure(names)) not in seen and is_tried(names):
            seen.add(closed)
            print(",".join(names))
