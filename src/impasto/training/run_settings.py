"""How a training is run, whatever is trained."""

from dataclasses import dataclass
from typing import Literal

from impasto.errors import check_choice, check_whole
from impasto.nn.compute import Device

Mixed = Literal["auto", "bf16-mixed", "16-mixed", "32-true"]
Trouble = Literal["warn", "stop"]


@dataclass(frozen=True)
class RunSettings:
    """How a training is run; every value is checked at once."""

    device: Device = "auto"
    """Where to compute."""
    precision: Mixed = "auto"
    """In what: `auto` mixes bf16 in where the hardware computes in it."""
    devices: int = 1
    """How many processes train together, each with a batch of its own: one a GPU, or several on the CPU."""
    evaluate_every: int = 500
    """Steps between two looks at held-out photos, which give samples and the best weights."""
    patience: int = 20
    """Looks without a lower held-out loss after which the training stops early; 0 never stops it."""
    trouble: Trouble = "warn"
    """What to do about what the watchdog notices, such as collapse, inversion, stripes or a checkerboard."""

    def __post_init__(self) -> None:
        check_choice("device", self.device, Device)
        check_choice("precision", self.precision, Mixed)
        check_whole("devices", self.devices, 1, 1024)
        check_whole("evaluate_every", self.evaluate_every, 1, 1_000_000)
        check_whole("patience", self.patience, 0, 1_000_000)
        check_choice("trouble", self.trouble, Trouble)
