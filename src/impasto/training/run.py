"""A training run and its folder: started, watched, interrupted, gone on with, finished.

The folder holds `config.json` (what was asked for), `metrics.jsonl` (losses), `samples/` (the same photos painted
as the training goes), `checkpoints/last.safetensors` and `best.safetensors` (everything needed to go on exactly),
`model.safetensors` (the network with the lowest held-out loss), `state.json` (how far it is, and what the watchdog
said) and `tensorboard/` (its events).
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.strategies import DDPStrategy

from impasto.errors import ImpastoError, InputError, SettingError
from impasto.image.io import encode_image, read_image
from impasto.nn.compute import choose_device, choose_dtype, out_of_memory
from impasto.training.background import LEFT_BY_STARTERS
from impasto.training.checkpoint import SafetensorsCheckpoints
from impasto.training.module import Training
from impasto.training.run_settings import RunSettings
from impasto.training.watchdog import Watchdog
from impasto.weights.model import write_model
from impasto.writing import replace_file

LOGGED_EVERY = 10
"""Steps between two lines of metrics."""

OnWarning = Callable[[str], None]
"""Called with what the watchdog has to say, in one line."""
OnTrainingStep = Callable[[int, int, Mapping[str, float]], None]
"""Called after every step with the steps done, the steps in all, and the losses; raising in it cancels."""


@dataclass(frozen=True)
class Trained:
    """What a run came to.

    Attributes:
        model: The model file.
        steps: Steps taken.
        best: Lowest held-out loss.
        stopped_early: Whether it stopped before its last step because nothing got better.
        broken: Pictures that could not be read, with the reason.
        seconds: Time spent training, over all parts of the run.
        warnings: What the watchdog said, with the steps.
    """

    model: Path
    steps: int
    best: float
    stopped_early: bool
    broken: Mapping[str, str]
    seconds: float
    warnings: Sequence[str] = ()


def run_training(
    training: Training,
    folder: Path,
    config: Mapping[str, Any],
    settings: RunSettings,
    on_step: OnTrainingStep | None = None,
    on_warning: OnWarning | None = None,
) -> Trained:
    """Train, or go on with a run that was interrupted, until the last step or until nothing gets better.

    Args:
        training: What is minimised.
        folder: The run's folder; made if missing.
        config: What was asked for, as JSON values; a folder with another config is refused.
        settings: How it is run.
        on_step: Called after every step; raising in it cancels.
        on_warning: Called with what the watchdog says; that is kept in any case.

    Raises:
        SettingError: If the folder is that of another run.
        InputError: If the folder cannot be written, or no picture can be read.
        ImpastoError: If the loss is not finite.
        KeyboardInterrupt: After an interruption; the run can go on from its last chapter.
    """
    _claim(folder, config, _defaults(training.settings))
    keeper = _Keeper(training, folder, settings, on_step, on_warning)
    last = folder / "checkpoints" / "last.safetensors"
    device = choose_device(settings.device)
    training.processes, training.evaluate_every = settings.devices, settings.evaluate_every
    together: dict[str, Any] = {}
    if settings.devices > 1:
        # of two networks that improve in turn one is unused in every backward pass
        together = {"strategy": DDPStrategy(find_unused_parameters=True), "sync_batchnorm": device.type == "cuda"}
    trainer = lightning.Trainer(
        max_steps=training.steps * training.updates,
        max_epochs=-1,
        accelerator={"cuda": "gpu"}.get(device.type, device.type),
        devices=settings.devices,
        **together,
        use_distributed_sampler=False,  # chapters are shared out already
        precision=_precision(settings, device),
        callbacks=[keeper],
        plugins=[SafetensorsCheckpoints()],
        logger=TensorBoardLogger(folder, name="", version="tensorboard"),
        log_every_n_steps=LOGGED_EVERY,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    if not keeper.finished(last):
        try:
            trainer.fit(training, ckpt_path=str(last) if last.is_file() else None)
        except SystemExit:
            # Lightning turns Ctrl-C into an exit
            raise KeyboardInterrupt from None
        except (RuntimeError, MemoryError) as error:
            raise _explained(error, training) from error
    return keeper.trained()


def _defaults(settings: Any) -> dict[str, Any]:
    """Return the settings that have a default, as JSON values."""
    known = {field.name: field.default for field in fields(settings) if field.default is not MISSING}
    return dict(json.loads(json.dumps(known)))


def _claim(folder: Path, config: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Make the folder a run's own, or check that it is this run's.

    A run of an earlier version goes on, too: what it could not set yet is as if it had been left at its default.

    Raises:
        SettingError: Naming what is not as it was.
        InputError: If the folder cannot be made, or holds something else.
    """
    path = folder / "config.json"
    wanted = json.loads(json.dumps(config))
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise InputError(f"{path} is damaged; give another folder to --run") from None
        before["impasto"] = wanted["impasto"]
        if "settings" in before:
            before["settings"] = {**defaults, **before["settings"]}
        changed = [name for name in {**before, **wanted} if before.get(name) != wanted.get(name)]
        if changed:
            name = changed[0]
            raise SettingError(
                f"{folder} is a run with {_difference(before.get(name), wanted.get(name), name)}; "
                "repeat its command to go on with it, or give another folder to --run"
            )
        return
    if folder.is_dir() and any(each.name not in LEFT_BY_STARTERS for each in folder.iterdir()):
        raise InputError(f"{folder} is no run of impasto and not empty; give another folder to --run")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder} ({error.strerror}); choose another one") from None
    replace_file(path, json.dumps(wanted, indent=2).encode())


def _difference(before: Any, wanted: Any, name: str) -> str:
    """Word the first thing that is not as it was."""
    if isinstance(before, dict) and isinstance(wanted, dict):
        inner = next(key for key in {**before, **wanted} if before.get(key) != wanted.get(key))
        return _difference(before.get(inner), wanted.get(inner), inner)
    return f"{name} {before}, not {wanted}" if len(f"{before}{wanted}") < 200 else f"other {name}"


def _explained(error: Exception, training: Training) -> Exception:
    """Turn running out of memory into one line; anything else is a bug of ours and stays as it is."""
    if out_of_memory(error):
        settings = training.settings
        name = "batch_size" if settings.batch_size > 1 else "crop_size"
        lower = f"lower {name} (now {getattr(settings, name)}) in a new run"
        return ImpastoError(f"out of memory after {training.steps_done} steps; {lower}")
    return error


def _precision(settings: RunSettings, device: torch.device) -> Any:
    if settings.precision != "auto":
        return settings.precision
    return "bf16-mixed" if choose_dtype("auto", device) == torch.bfloat16 else "32-true"


class _Keeper(lightning.Callback):
    """Writes what a run leaves, and tells when to stop."""

    def __init__(
        self,
        training: Training,
        folder: Path,
        settings: RunSettings,
        on_step: OnTrainingStep | None,
        on_warning: OnWarning | None,
    ) -> None:
        self.training, self.folder, self.settings, self.on_step = training, folder, settings, on_step
        self.best, self.waited, self.steps, self.seconds, self.stopped = float("inf"), 0, 0, 0.0, False
        self.on_warning, self.watchdog, self.warnings = on_warning, Watchdog(), list[str]()
        self._in_trouble = False
        self._sums: dict[str, float] = {}
        self._since, self._saved, self._better = time.perf_counter(), 0, False

    def state_dict(self) -> dict[str, Any]:
        """Return what an interruption must not lose."""
        return {
            "best": self.best, "waited": self.waited, "steps": self.steps, "stopped": self.stopped,
            "seconds": self.seconds, "broken": dict(self.training.broken), "warnings": list(self.warnings),
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where an interrupted run was."""
        self.training.broken |= state_dict["broken"]
        for name in ("best", "waited", "steps", "stopped", "seconds", "warnings"):
            setattr(self, name, state_dict[name])

    def finished(self, last: Path) -> bool:
        """Tell whether a checkpoint is that of a run which has nothing left to do."""
        if not last.is_file():
            return False
        state = SafetensorsCheckpoints().load_checkpoint(last)["callbacks"][self.state_key]
        done: bool = state["stopped"] or state["steps"] >= self.training.steps
        if done:
            self.load_state_dict(state)
        return done

    def trained(self) -> Trained:
        """Return what the run came to."""
        model = self.folder / "model.safetensors"
        broken, said = dict(self.training.broken), tuple(self.warnings)
        return Trained(model, self.steps, self.best, self.stopped, broken, self.seconds, said)

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Forget metrics that an interrupted run wrote after its last checkpoint."""
        self._since, self._saved = time.perf_counter(), self.training.steps_done
        path = self.folder / "metrics.jsonl"
        if path.is_file() and trainer.is_global_zero:
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if _step_of(line) <= self._saved]
            replace_file(path, "".join(f"{line}\n" for line in kept).encode())
        self._tell()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Keep the losses."""
        if self.training.steps_done == self.steps:
            return  # batches are still being added up
        self.steps = self.training.steps_done
        losses = {name: float(value) for name, value in trainer.callback_metrics.items()}
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        if self.steps % LOGGED_EVERY == 0:
            self._write({name: value / LOGGED_EVERY for name, value in self._sums.items()})
            self._sums.clear()
        self._warn(self.watchdog.after_step(losses))
        if self.on_step is not None:
            self.on_step(self.steps, self.training.steps, losses)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """End a chapter: look at held-out photos if it is time."""
        if self.steps >= self.training.steps or self.steps % self.settings.evaluate_every == 0:
            self._better = trainer.is_global_zero and self._evaluate(trainer)
        elif trainer.is_global_zero:
            with self._full_precision():
                self._warn(self.watchdog.after_look(self.training.signs()))
        self.stopped = bool(trainer.strategy.broadcast(self.stopped or self._in_trouble))
        if self.stopped:
            trainer.should_stop = True

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save everything between two chapters: the state that Lightning goes on from without a guess."""
        if self.training.steps_done > self._saved:
            self._save(trainer)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save everything at the end."""
        self._save(trainer)

    def _save(self, trainer: lightning.Trainer) -> None:
        now = time.perf_counter()
        self.seconds, self._since, self._saved = self.seconds + now - self._since, now, self.training.steps_done
        path = self.folder / "checkpoints" / "last.safetensors"
        trainer.save_checkpoint(path)
        if self._better and trainer.is_global_zero:
            _copy(path, path.with_name("best.safetensors"))
            self._better = False
        self._tell()

    def _evaluate(self, trainer: lightning.Trainer) -> bool:
        """Look at held-out photos; return whether the network is the best so far."""
        with self._full_precision():
            terms = self.training.held_out_terms()
            picture = self.training.samples().float().cpu()
        self._write({f"held_out_{name}": value for name, value in terms.items()})
        if trainer.logger is not None:
            trainer.logger.log_metrics({f"held_out_{name}": value for name, value in terms.items()}, self.steps)
        path = self.folder / "samples" / f"{self.steps:07}.png"
        path.parent.mkdir(exist_ok=True)
        replace_file(path, encode_image(read_image(picture[0]), "png"))
        self._warn(self.watchdog.after_look(terms))
        better = terms["total"] < self.best
        self.waited = 0 if better else self.waited + 1
        self.stopped = bool(self.settings.patience) and self.waited >= self.settings.patience
        if better:
            self.best = terms["total"]
            self._write_model(terms)
        return better

    @contextmanager
    def _full_precision(self) -> Iterator[None]:
        """Measure, resize, convert and sample in fp32, whatever the precision of the training."""
        with torch.no_grad(), torch.autocast(self.training.device.type, enabled=False):
            yield

    def _write_model(self, terms: Mapping[str, float]) -> None:
        training = self.training
        card = replace(
            training.card(),
            training={
                "steps": self.steps,
                "samples": self.steps * training.samples_a_step,
                "hours": round(self.seconds / 3600, 3),
                "device": str(training.device),
                "held_out": {name: round(value, 5) for name, value in terms.items()},
            },
        )
        write_model(self.folder / "model.safetensors", training.tensors(), card)

    def _warn(self, said: Sequence[str]) -> None:
        """Pass on what the watchdog says, and stop the run at the chapter's end if that is wanted."""
        for words in said:
            self.warnings.append(f"step {self.steps}: {words}")
            if self.on_warning is not None:
                self.on_warning(self.warnings[-1])
            self._in_trouble = self._in_trouble or self.settings.trouble == "stop"
        if said:
            self._tell()

    def _tell(self) -> None:
        """Write for whoever watches how far the run is; `seconds` are those of the steps that are saved."""
        if self.training.global_rank:
            return
        done = self.stopped or self.steps >= self.training.steps
        state = {"step": self._saved, "steps": self.training.steps, "seconds": round(self.seconds, 3)}
        said = {"done": done and self._saved == self.steps, "warnings": self.warnings}
        replace_file(self.folder / "state.json", json.dumps(state | said, indent=2).encode())

    def _write(self, values: Mapping[str, float]) -> None:
        if self.training.global_rank:
            return
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            rounded = {name: round(value, 6) for name, value in values.items()}
            file.write(json.dumps({"step": self.steps, **rounded}) + "\n")


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # cut off by an interruption


def _copy(path: Path, target: Path) -> None:
    part = target.with_suffix(".part")
    shutil.copyfile(path, part)
    part.replace(target)
