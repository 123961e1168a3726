"""A picture to be painted, that a person watches and may stop: what the command line and the studio run."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from impasto.image.io import Image
from impasto.methods.deepdream import DeepDreamSettings
from impasto.methods.gatys import GatysSettings
from impasto.result import OnStep, Result, Step
from impasto.verbs import dream as dreams
from impasto.verbs.sheet import step_costs
from impasto.verbs.stylize import StylizeSettings, finished, stopped, stylize
from impasto.verbs.translate import TranslateSettings, translate


@dataclass(frozen=True)
class Task(ABC):
    """What to paint.

    Attributes:
        photo: The content.
    """

    photo: Image

    @abstractmethod
    def run(self, on_step: OnStep) -> Result:
        """Paint it all."""

    @abstractmethod
    def stopped(self, step: Step) -> Result:
        """Return what is left of a run that was interrupted after a step."""

    @abstractmethod
    def as_it_stands(self, step: Step) -> Image:
        """Return the picture of a step, as it is being painted."""

    def costs(self) -> list[float]:
        """Return how long each step takes beside the others; nothing if it is painted in one pass."""
        return []


@dataclass(frozen=True)
class StylizeTask(Task):
    """What to paint after paintings, and how.

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
    masks: Sequence[Image] = ()
    grey: bool = True
    start: Image | None = None

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


@dataclass(frozen=True)
class DreamTask(Task):
    """What to dream on, and how.

    Attributes:
        settings: How.
        guide: A picture whose features are dreamt of.
        mask: Where to dream.
        grey: Whether a grey photo stays grey.
    """

    settings: DeepDreamSettings
    guide: Image | None = None
    mask: Image | None = None
    grey: bool = True

    def run(self, on_step: OnStep) -> Result:
        """Dream it all."""
        return dreams.dream(
            self.photo, guide=self.guide, mask=self.mask, settings=self.settings, grey=self.grey, on_step=on_step
        )

    def stopped(self, step: Step) -> Result:
        """Return what is left of a run that was interrupted after a step."""
        return dreams.stopped(self.photo, self.settings, step, guide=self.guide, mask=self.mask, grey=self.grey)

    def as_it_stands(self, step: Step) -> Image:
        """Return the picture of a step, as large as it is being dreamt on."""
        settings = replace(self.settings, size=max(step.image.shape[-2:]))
        return dreams.finished(step.image, self.photo, settings, self.mask, grey=self.grey)

    def costs(self) -> list[float]:
        """Return how long each step takes beside the others."""
        return dreams.step_costs(self.photo, self.settings)


@dataclass(frozen=True)
class TranslateTask(Task):
    """What to turn into something else, and by which network: in one pass, which cannot be interrupted.

    Attributes:
        model: Its file.
        settings: How.
        edits: What to do to a label map before.
        called: What the model is called in the recipe, where that is not where it lies.
    """

    model: Path
    settings: TranslateSettings = field(default_factory=TranslateSettings)
    edits: Sequence[str] = ()
    called: str = ""

    def run(self, on_step: OnStep) -> Result:
        """Translate it."""
        result = translate(self.model, self.photo, edits=self.edits, settings=self.settings)
        if not self.called:
            return result
        recipe = {**result.recipe, "translator": self.called}
        return replace(result, recipe=recipe, image=replace(result.image, recipe=recipe))

    def stopped(self, step: Step) -> Result:
        """Return nothing: there are no steps."""
        raise AssertionError("one pass has no steps")

    def as_it_stands(self, step: Step) -> Image:
        """Return nothing: there are no steps."""
        raise AssertionError("one pass has no steps")
