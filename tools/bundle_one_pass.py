"""Put a trained one-pass network among the bundled weights: halved, described, and entered in the catalogue.

    python tools/bundle_one_pass.py RUN [RUN …] --what TEXT [--paintings FILE …]

RUN are the folders of the stages that `tools/train_one_pass.py` left, the last one last, or model files, such as
the one that was bundled before; their samples and hours are added up, and their paintings. Matrices and kernels
are stored in fp16, everything else in fp32.
"""

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from impasto.weights.model import read_model, write_model

BUNDLED = Path(__file__).parents[1] / "src" / "impasto" / "weights" / "bundled"
LICENCE = "MIT; learnt from photos of BSDS500 (research and education) and paintings in the public domain"


def model_of(run: Path) -> Path:
    """Return a run's model file, or the file itself."""
    return run / "model.safetensors" if run.is_dir() else run


def stages(runs: list[Path]) -> dict[str, Any]:
    """Return samples, hours and paintings of all stages together, as far as each was trained."""
    cards = [read_model(model_of(run))[0] for run in runs]
    paintings = sorted({name for card in cards for name in card.training.get("paintings", ())})
    return {
        "samples": sum(card.training["samples"] for card in cards),
        "hours": round(sum(card.training["hours"] for card in cards), 2),
        **({"paintings": paintings} if paintings else {}),
    }


def main() -> None:
    """Write the file and print its entry for the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--what", required=True, help="one line on what it is")
    parser.add_argument("--paintings", type=Path, nargs="*", default=[], help="paintings that it was shown")
    arguments = parser.parse_args()
    card, tensors = read_model(model_of(arguments.runs[-1]))
    training = {**card.training, **stages(arguments.runs)}
    if arguments.paintings:
        training["paintings"] = sorted(
            {*training.get("paintings", ()), *(path.stem for path in arguments.paintings)}
        )
    halved = {name: tensor.half() if tensor.ndim > 1 else tensor for name, tensor in tensors.items()}
    path = BUNDLED / f"{card.method}.safetensors"
    write_model(path, halved, replace(card, licence=LICENCE, training=training))
    data = path.read_bytes()
    held_out = ", ".join(f"{name} {value:.3f}" for name, value in training["held_out"].items())
    entry = {
        "what": arguments.what,
        "file": path.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "licence": LICENCE,
        "source": f"{training['samples']:,} crops in {training['hours']} hours on {training['device']}; "
        f"held-out loss: {held_out}",
        "made_by": "tools/train_one_pass.py, tools/bundle_one_pass.py",
    }
    print(f"[{card.method}]")
    for name, value in entry.items():
        print(f"{name} = {json.dumps(value, ensure_ascii=False)}")


if __name__ == "__main__":
    main()
