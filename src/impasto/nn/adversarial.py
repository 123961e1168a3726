"""What the settings of all translators share: how two networks are trained against each other, and on what."""

from dataclasses import dataclass
from typing import Literal

from impasto.errors import SettingError, check_choice, check_range, check_whole
from impasto.losses.adversarial import Adversarial

Architecture = Literal["unet", "resnet"]
"""Of generators that make pictures of pictures."""


@dataclass(frozen=True)
class AdversarialSettings:
    """How a generator and a discriminator are trained; every value is checked at once."""

    adversarial: Adversarial = "vanilla"
    """The adversarial loss."""
    load_size: int = 286
    """What the shorter side is resized to before a crop is cut."""
    crop_size: int = 256
    """Pixels each way of the crops it is trained on."""
    crop_width: int = 0
    """Pixels across of crops that are no squares: 2048 with a crop_size of 1024; 0 makes squares."""
    batch_size: int = 1
    """Crops that go through the networks at once."""
    accumulate: int = 1
    """How many batches a step adds up: as if batches were so many times as large, in the memory of one."""
    ema_decay: float = 0.0
    """How long the generator that is kept remembers the ones before, such as 0.999; 0 keeps the last one. In the
    beginning it remembers less, so that it is not what was drawn at first."""
    learning_rate: float = 2e-4
    """Of Adam, for both networks."""
    betas: tuple[float, float] = (0.5, 0.999)
    """How long Adam remembers gradients and their squares."""
    epochs: int = 100
    """Rounds of all samples at the full rate."""
    decay_epochs: int = 100
    """Rounds after them in which the rate falls to zero along a line."""
    diff_augment: bool = False
    """Whether discriminators see pictures changed in colour, moved and cut at random: for few pictures."""
    seed: int = 0
    """Of first weights, noise, crops and their order."""

    def __post_init__(self) -> None:
        check_choice("adversarial", self.adversarial, Adversarial)
        check_whole("crop_size", self.crop_size, 16, 8192)
        check_whole("crop_width", self.crop_width, 0, 8192)
        if self.crop_width and self.crop_width < 16:
            raise SettingError(f"crop_width is {self.crop_width}; allowed are 0 and whole numbers from 16 to 8192")
        check_whole("load_size", self.load_size, min(self.crop), 16384)
        check_whole("batch_size", self.batch_size, 1, 4096)
        check_whole("accumulate", self.accumulate, 1, 4096)
        check_range("ema_decay", self.ema_decay, 0, 0.999999)
        check_range("learning_rate", self.learning_rate, 1e-9, 1)
        for beta in self.betas:
            check_range("betas", beta, 0, 0.99999)
        check_whole("epochs", self.epochs, 0, 1_000_000)
        check_whole("decay_epochs", self.decay_epochs, 0, 1_000_000)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        if self.epochs + self.decay_epochs == 0:
            raise SettingError("epochs and decay_epochs are both 0; give at least one round to train for")

    @property
    def crop(self) -> tuple[int, int]:
        """Height and width of the crops."""
        return self.crop_size, self.crop_width or self.crop_size

    @property
    def whole_size(self) -> int:
        """Pixels of the shorter side of pictures that are translated whole, to be looked at or measured."""
        return self.crop_size

    def check_halved(self, num_downs: int) -> None:
        """Raise unless crops can be halved so often, as a U-Net does.

        Raises:
            SettingError: If a side is no multiple of two to that power.
        """
        for name, side in zip(("crop_size", "crop_width"), self.crop, strict=True):
            if side % 2**num_downs:
                raise SettingError(
                    f"{name} is {side}, but a U-Net with num_downs {num_downs} takes multiples of "
                    f"{2**num_downs}; change one of them"
                )
