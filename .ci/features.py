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
# enough.
APART = {
    "flash": [set(), {"defmt"}, {"scos"}, {"alloc", "scos"}, set(features) - {"flash"}],
    "grpc": [{"std", "southbound"}, {"cli"}, set(features)],
    "southbound": [set(), {"grpc"}, {"cli"}, set(features)],
    "defmt": [set(), {"flash"}, {"scos"}, {"alloc", "scos"}, set(features) - {"defmt"}],
}


def is_tried(closed):
    return all(
        name not in closed or closed - {name} in [closure(other) - {name} for other in others]
        for name, others in APART.items()
    )


seen = set()
for size in range(len(features) + 1):
    for names in itertools.combinations(sorted(features), size):
        if (closed := closure(names)) not in seen and is_tried(closed):
            seen.add(closed)
            print(",".join(names))
