"""A folder painted by Ray Data: on this machine's processes, or on every machine of a cluster.

The pictures' paths go to actors that hold the network; each paints a few at a time and writes them itself, so that
no pixels travel. Every machine must see the same files under the same paths. A worker that dies is started again
and its pictures are given out again; those it had finished are recognised. A picture that kills every worker that
tries it is told of as failed, alone.
"""

import importlib.util
import itertools
import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError, SettingError, WeightsError
from impasto.image.formats import last_line
from impasto.nn.compute import choose_device
from impasto.verbs.folder_painter import FolderWork, Outcome, Picture, check_same

TOGETHER = 4
"""Pictures that a worker is given at a time, and at most loses if it dies."""
AT_A_TIME = 2**16
"""Pictures whose paths are in memory."""
TRIES = 3
"""How many workers may die while they paint a picture before it is given up."""

Batch = dict[str, Any]


def check_installed() -> None:
    """Raise unless Ray Data is here.

    Raises:
        SettingError: Saying how to install it.
    """
    if any(importlib.util.find_spec(name) is None for name in ("ray", "pyarrow", "pandas")):
        raise SettingError("engine is 'ray', but Ray Data is not installed; run pip install 'impasto[ray]'")


def paint(
    pictures: Iterable[Picture], painter: FolderWork, essence: Mapping[str, Any], workers: int | None
) -> Iterator[Outcome]:
    """Paint pictures with Ray: the cluster that `RAY_ADDRESS` names or that is already in use, or one of our own.

    Args:
        pictures: Which.
        painter: How.
        essence: What decides how they look; see `FolderWork.essence`.
        workers: Most actors; by default as many as there is room for.

    Yields:
        What became of each, in whatever order they are painted.

    Raises:
        ImpastoError: If a worker cannot paint as this process would.
    """
    here = replace(painter, folder=painter.folder.absolute(), output=painter.output.absolute())
    remaining = iter(pictures)
    with _ray() as ray:
        tries = ray.remote(_Tries).options(num_cpus=0).remote()
        arguments = (here, essence, torch.get_num_threads(), Path.cwd(), tries)
        while some := list(itertools.islice(remaining, AT_A_TIME)):
            yield from _given_out(some, arguments, workers)


class _Tries:
    """An actor that knows what is being painted, so that a picture that kills workers is recognised."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()

    def begin(self, content: str) -> int:
        """Return how often a picture has been begun without an end."""
        self.tries[content] += 1
        return self.tries[content] - 1

    def end(self, content: str) -> None:
        """Forget a picture that is finished."""
        del self.tries[content]


class _Worker:
    """One of Ray's actors: a process that loads the network once and paints what it is given."""

    def __init__(
        self, painter: FolderWork, essence: Mapping[str, Any], threads: int, folder: Path, tries: Any
    ) -> None:
        # as many as where the recipe was made: sums over pixels depend on how they are split
        torch.set_num_threads(threads)
        with suppress(OSError):  # the network may be named by a path from there
            os.chdir(folder)
        self.painter, self.essence, self.tries, self.refusal = painter, essence, tries, ""
        try:
            check_same(painter.essence(), essence)
        except ImpastoError as error:
            self.refusal = str(error)  # told when it is asked to paint: Ray would start it again and again

    def __call__(self, batch: Batch) -> Batch:
        if self.refusal:
            return {"outcome": [""], "refusal": [self.refusal]}
        pictures = itertools.starmap(Picture, zip(batch["content"], batch["output"], strict=True))
        outcomes = [asdict(self._paint(picture)) for picture in pictures]
        return {"outcome": [json.dumps(each) for each in outcomes], "refusal": [""] * len(outcomes)}

    def _paint(self, picture: Picture) -> Outcome:
        import ray  # noqa: PLC0415 -- is here

        died = ray.get(self.tries.begin.remote(picture.content))
        if died < TRIES:
            outcome = self.painter.paint(picture, self.essence)
        else:
            why = f"{died} workers died while they painted it; it may need more memory than they have"
            outcome = Outcome(*picture, "failed", error=why)
        self.tries.end.remote(picture.content)
        return outcome


def _given_out(pictures: Sequence[Picture], arguments: tuple[Any, ...], workers: int | None) -> Iterator[Outcome]:
    """Paint pictures with a pool of workers; Ray gives out again what a worker had that died."""
    import ray.data  # noqa: PLC0415
    import ray.exceptions  # noqa: PLC0415

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    painted = ray.data.from_items(
        [picture._asdict() for picture in pictures], override_num_blocks=-(-len(pictures) // TOGETHER)
    ).map_batches(
        _Worker,
        fn_constructor_args=arguments,
        batch_size=TOGETHER,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers),
        **_resources(arguments[0], arguments[2]),
    )
    try:
        for row in painted.iter_rows():
            if row["refusal"]:
                raise WeightsError(f"a worker cannot paint like this machine: {row['refusal']}")
            yield Outcome(**json.loads(row["outcome"]))
    except ray.exceptions.RayError as error:
        raise ImpastoError(f"Ray gave up ({last_line(error)}); the same command goes on from there") from None


def _resources(painter: FolderWork, threads: int) -> dict[str, Any]:
    """Return what each worker takes of its machine."""
    import ray  # noqa: PLC0415

    if choose_device(painter.settings.device).type == "cuda":
        return {"num_gpus": 1}
    largest = max((int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]), default=0)
    return {"num_cpus": min(threads, largest) if largest else threads}


@contextmanager
def _ray() -> Iterator[Any]:
    """Use the Ray that runs, or start one for as long as it is needed."""
    # nobody is told about our users; whoever runs a cluster decides for that one
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray.data  # noqa: PLC0415 -- takes two seconds

    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    except Exception as error:  # of whatever kind: no cluster at that address, no room, a port that is taken
        raise ImpastoError(f"Ray does not start: {last_line(error)}; see to the cluster, or leave it out") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield ray
    finally:
        ray.shutdown()
