"""InceptionV3 as FID knows it: the ImageNet classifier of 2015 whose pooled features published distances are of.

Szegedy, Vanhoucke, Ioffe, Shlens & Wojna 2016 (arXiv:1512.00567), figures 5 to 7; in the variant of the
TensorFlow graph that Heusel et al. 2017 (arXiv:1706.08500) measured with: means at the edges leave the padding out,
and the last block pools by maxima. Batch normalisation (eps 1e-3) is folded into the convolutions.
"""

from typing import Literal, NamedTuple, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, relu

from impasto._typing import Picture
from impasto.weights.load import load_weights

SIZE = 299
"""Pixels each way at which it sees pictures."""
NAME = "inception-v3-fid"
"""In the catalogue of weights."""


class _Convolution(NamedTuple):
    """A convolution with ReLU: its name, channels, kernel and stride, and whether it has a border of zeros."""

    name: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    bordered: bool = True


Branch = tuple[_Convolution | tuple[_Convolution, _Convolution], ...]
"""Convolutions one after the other; two in the place of one stand side by side."""
Pool = Literal["mean", "max", "reduced"]
"""What the last branch begins with: a mean or maximum of 3 × 3 places, or a maximum at half the size."""


class _Block(NamedTuple):
    """Branches side by side, the last of them after a pool; an empty one passes the pool on."""

    name: str
    branches: tuple[Branch, ...]
    pool: Pool


def _fives(name: str, pooled: int) -> _Block:
    wide = ("branch3x3dbl", 96)
    return _Block(
        name,
        (
            (_Convolution("branch1x1", 64),),
            (_Convolution("branch5x5_1", 48), _Convolution("branch5x5_2", 64, (5, 5))),
            (_Convolution(f"{wide[0]}_1", 64), *(_Convolution(f"{wide[0]}_{n}", wide[1], (3, 3)) for n in (2, 3))),
            (_Convolution("branch_pool", pooled),),
        ),
        "mean",
    )


def _sevens(name: str, narrow: int) -> _Block:
    across, down = (1, 7), (7, 1)
    return _Block(
        name,
        (
            (_Convolution("branch1x1", 192),),
            (
                _Convolution("branch7x7_1", narrow),
                _Convolution("branch7x7_2", narrow, across),
                _Convolution("branch7x7_3", 192, down),
            ),
            (
                _Convolution("branch7x7dbl_1", narrow),
                _Convolution("branch7x7dbl_2", narrow, down),
                _Convolution("branch7x7dbl_3", narrow, across),
                _Convolution("branch7x7dbl_4", narrow, down),
                _Convolution("branch7x7dbl_5", 192, across),
            ),
            (_Convolution("branch_pool", 192),),
        ),
        "mean",
    )


def _threes(name: str, pool: Pool) -> _Block:
    across, down = (1, 3), (3, 1)
    return _Block(
        name,
        (
            (_Convolution("branch1x1", 320),),
            (
                _Convolution("branch3x3_1", 384),
                (_Convolution("branch3x3_2a", 384, across), _Convolution("branch3x3_2b", 384, down)),
            ),
            (
                _Convolution("branch3x3dbl_1", 448),
                _Convolution("branch3x3dbl_2", 384, (3, 3)),
                (_Convolution("branch3x3dbl_3a", 384, across), _Convolution("branch3x3dbl_3b", 384, down)),
            ),
            (_Convolution("branch_pool", 192),),
        ),
        pool,
    )


STEM: tuple[_Convolution | None, ...] = (
    _Convolution("Conv2d_1a_3x3", 32, (3, 3), 2, bordered=False),
    _Convolution("Conv2d_2a_3x3", 32, (3, 3), bordered=False),
    _Convolution("Conv2d_2b_3x3", 64, (3, 3)),
    None,
    _Convolution("Conv2d_3b_1x1", 80),
    _Convolution("Conv2d_4a_3x3", 192, (3, 3), bordered=False),
    None,
)
"""The first layers; None is a maximum of 3 × 3 places at half the size."""

BLOCKS = (
    _fives("Mixed_5b", 32),
    _fives("Mixed_5c", 64),
    _fives("Mixed_5d", 64),
    _Block(
        "Mixed_6a",
        (
            (_Convolution("branch3x3", 384, (3, 3), 2, bordered=False),),
            (
                _Convolution("branch3x3dbl_1", 64),
                _Convolution("branch3x3dbl_2", 96, (3, 3)),
                _Convolution("branch3x3dbl_3", 96, (3, 3), 2, bordered=False),
            ),
            (),
        ),
        "reduced",
    ),
    _sevens("Mixed_6b", 128),
    _sevens("Mixed_6c", 160),
    _sevens("Mixed_6d", 160),
    _sevens("Mixed_6e", 192),
    _Block(
        "Mixed_7a",
        (
            (_Convolution("branch3x3_1", 192), _Convolution("branch3x3_2", 320, (3, 3), 2, bordered=False)),
            (
                _Convolution("branch7x7x3_1", 192),
                _Convolution("branch7x7x3_2", 192, (1, 7)),
                _Convolution("branch7x7x3_3", 192, (7, 1)),
                _Convolution("branch7x7x3_4", 192, (3, 3), 2, bordered=False),
            ),
            (),
        ),
        "reduced",
    ),
    _threes("Mixed_7b", "mean"),
    _threes("Mixed_7c", "max"),
)


class InceptionV3(nn.Module):
    """Pictures in, their 2,048 pooled features out.

    Example:
        >>> features = InceptionV3.pretrained()(pictures)
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleDict()
        channels = 3
        for layer in STEM:
            if layer is not None:
                self.stem[layer.name] = _made(layer, channels)
                channels = layer.channels
        self.blocks = nn.ModuleDict()
        for block in BLOCKS:
            built = nn.ModuleDict()
            out = 0
            for branch in block.branches:
                inner = [channels]
                for step in branch:
                    side_by_side = [step] if isinstance(step, _Convolution) else list(step)
                    for layer in side_by_side:
                        built[layer.name] = _made(layer, sum(inner))
                    inner = [layer.channels for layer in side_by_side]
                out += sum(inner)
            self.blocks[block.name], channels = built, out

    @classmethod
    def pretrained(cls) -> Self:
        """Return the published network, frozen; its weights are fetched once.

        Raises:
            WeightsError: If they cannot be fetched, or are damaged.
        """
        with torch.device("meta"):
            network = cls()
        network.load_state_dict(load_weights(NAME), assign=True)
        return network.eval().requires_grad_(False)

    def forward(self, picture: Picture) -> Float[Tensor, "b 2048"]:
        """Return pooled features.

        Args:
            picture: In [0, 1], of any size; seen at `SIZE`, resized as FID's are.
        """
        features: Tensor = interpolate(picture, size=(SIZE, SIZE), mode="bilinear", align_corners=False) * 2 - 1
        for layer in STEM:
            features = max_pool2d(features, 3, 2) if layer is None else relu(self.stem[layer.name](features))
        for block in BLOCKS:
            layers = self.blocks[block.name]
            assert isinstance(layers, nn.ModuleDict)
            *plain, last = block.branches
            made = [_branch(branch, layers, features) for branch in plain]
            made.append(_branch(last, layers, _pooled(features, block.pool)))
            features = torch.cat(made, dim=1)
        return features.mean(dim=(2, 3))


def _made(layer: _Convolution, in_channels: int) -> nn.Conv2d:
    border = tuple(side // 2 for side in layer.kernel) if layer.bordered else (0, 0)
    return nn.Conv2d(in_channels, layer.channels, layer.kernel, layer.stride, (border[0], border[1]))


def _branch(branch: Branch, layers: nn.ModuleDict, features: Tensor) -> Tensor:
    for step in branch:
        side_by_side = [step] if isinstance(step, _Convolution) else list(step)
        features = torch.cat([relu(layers[layer.name](features)) for layer in side_by_side], dim=1)
    return features


def _pooled(features: Tensor, pool: Pool) -> Tensor:
    if pool == "mean":
        return avg_pool2d(features, 3, 1, 1, count_include_pad=False)
    return max_pool2d(features, 3, 1, 1) if pool == "max" else max_pool2d(features, 3, 2)
