"""One picture to be painted after paintings, as the command line paints it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from impasto.cli.painting import Task
from impasto.image import Image
from impasto.methods import gatys
from impasto.methods.gatys import GatysSettings
from impasto.result import OnStep, Result, Step
from impasto.verbs.sheet import step_costs
from impasto.verbs.stylize import StylizeSettings, finished, stopped, stylize


@dataclass(frozen=True)
class StylizeTask(Task):
    """What to paint, and how.

    Attributes:
        styles: Paintings, or names of styles that a network has learnt.
        settings: How.
        method: By which method.
        masks: One per style, or none.
        grey: Whether a grey photo stays grey.
        start: The picture that `settings.init` names, if it names one.
    """

    styles: Sequence[Image | str]
    settings: StylizeSettings
    method: str = "gatys"
    masks: Sequence[Image] = field(default=(), kw_only=True)
    grey: bool = field(default=True, kw_only=True)
    start: Image | None = field(default=None, kw_only=True)

    def run(self, on_step: OnStep) -> Result:
        """Paint it all."""
        return stylize(
            self.photo,
            list(self.styles),
            method=self.method,
            settings=self.settings,
            masks=self.masks,
            grey=self.grey,
            on_step=on_step,
        )

    def stopped(self, step: Step) -> Result:
        """Return what is left of a run that was interrupted after a step."""
        return stopped(
            self.photo,
            self.styles,
            self.settings,
            step,
            method=self.method,
            masks=self.masks,
            start=self.start,
            grey=self.grey,
        )

    def as_it_stands(self, step: Step) -> Image:
        """Return the picture of a step, as large as it is being painted."""
        settings = replace(self.settings, size=max(step.image.shape[-2:]))
        return finished(step.image, self.photo, settings, grey=self.grey)

    def costs(self) -> list[float]:
        """Return how long each step takes beside the others; nothing if it is painted in one pass."""
        return step_costs(self.photo, self.settings) if isinstance(self.settings, GatysSettings) else []

    def remark(self) -> str:
        """Return how a large picture is painted finer."""
        longest = max(self.photo.width, self.photo.height)
        if not isinstance(self.settings, GatysSettings) or self.settings.size is not None:
            return ""
        if longest <= gatys.DEFAULT_SIZE:
            return ""
        return f"; painted at {gatys.DEFAULT_SIZE} px and enlarged; --size {longest} paints finer"
