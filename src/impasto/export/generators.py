"""What an exported translator computes: a picture or a label map of any size in, the picture it becomes out.

What `translate` does around the network is in the graph: continuing it by reflection to the network's stride, and
cropping back; of a label map also the channels of its classes and where objects touch. Dropout's noise is left out,
so that a file gives the same picture always.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils import parametrize

from impasto._typing import Features
from impasto.export.graphs import EXAMPLE, Graph
from impasto.methods.pix2pixhd import InstanceEncoder
from impasto.methods.spade import StyleEncoder
from impasto.methods.stargan import StarganSettings, with_label
from impasto.nn.blocks import Noise
from impasto.nn.labelled import LabelSettings
from impasto.nn.translate import Generator, translate_whole

ABOUT = {
    "source": "the picture, float32 in [0, 1], (1, channels, height, width), any height and width",
    "labels": "the label map, int64 ids, (1, 1, height, width), any height and width",
    "label": "what to translate to, float32, (1, n): 1 for each of the `styles` in the metadata that the picture "
    "shall have; then, if several data sets were learnt from, 1 for the one whose names these are",
    "instances": "the number of the object each place belongs to, int64, of the labels' size; or the labels again",
    "looks": "what the object at each place looks like, float32, (1, n, height, width), of the labels' size",
    "style": "what the picture shall look like, float32, (1, n); drawn from N(0, 1) for a look at random",
    "painted": "the picture, float32 in [0, 1], of the source's size",
}
"""One line on each input, and on what comes out."""


def generator_graph(generator: Generator, settings: Any, in_channels: int) -> Graph:
    """Return what is exported of a generator in fp32 on the CPU.

    Args:
        generator: The network.
        settings: How it was built.
        in_channels: Of the pictures it takes, where it takes pictures.
    """
    drawn = torch.Generator().manual_seed(0)
    if isinstance(settings, StarganSettings):
        source = torch.rand(1, 3, *EXAMPLE, generator=drawn)
        return _graph(_Domains(_plain(generator)), {"source": source, "label": _label(settings)})
    if not isinstance(settings, LabelSettings):
        return _graph(
            _Pictures(_plain(generator)), {"source": torch.rand(1, in_channels, *EXAMPLE, generator=drawn)}
        )
    labels = torch.randint(settings.classes, (1, 1, *EXAMPLE), generator=drawn)
    inputs = {"labels": labels} | ({"instances": labels.clone()} if settings.edges else {})
    if isinstance(generator.encoder, InstanceEncoder):
        inputs["looks"] = torch.randn(1, generator.encoder.looks.shape[2], *EXAMPLE, generator=drawn)
    if isinstance(generator.encoder, StyleEncoder):
        inputs["style"] = torch.randn(1, generator.encoder.mean.out_features, generator=drawn)
    return _graph(_Labels(_plain(generator), settings), inputs)


def _graph(module: nn.Module, inputs: Mapping[str, Tensor]) -> Graph:
    return Graph(module.eval(), inputs, {name: ABOUT[name] for name in (*inputs, "painted")})


class _Pictures(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, source: Features) -> Float[Tensor, "b d h w"]:
        return _shown(translate_whole(self.generator, source * 2 - 1))


class _Domains(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, source: Features, label: Float[Tensor, "b n"]) -> Float[Tensor, "b 3 h w"]:
        return _shown(translate_whole(self.generator, with_label(source * 2 - 1, label)))


def _label(settings: StarganSettings) -> Tensor:
    """Return the label of the last name, which is not all zeros."""
    return settings.labels.label(settings.labels.names[-1:])


class _Labels(nn.Module):
    def __init__(self, generator: Generator, settings: LabelSettings) -> None:
        super().__init__()
        self.generator, self.settings = generator, settings

    def forward(
        self,
        labels: Int[Tensor, "b 1 h w"],
        instances: Int[Tensor, "b 1 h w"] | None = None,
        looks: Float[Tensor, "b n h w"] | None = None,
        style: Float[Tensor, "b z"] | None = None,
    ) -> Float[Tensor, "b d h w"]:
        entered = self.settings.encoded(labels, labels if instances is None else instances)
        if looks is not None:
            entered = torch.cat([entered, looks], dim=1)
        given = {} if style is None else {"style": style}
        return _shown(translate_whole(self.generator, entered, **given))


def _shown(painted: Tensor) -> Tensor:
    return ((painted + 1) / 2).clamp(0, 1)


def _plain(generator: Generator) -> Generator:
    """Return a copy whose layers can be exported: weights as they are applied, normalisation written out."""
    copied = deepcopy(generator)
    copied.encoder = None
    for module in [*copied.modules()]:
        if isinstance(module, Noise):
            module.share = 0.0
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d | nn.InstanceNorm2d) and child.running_mean is None:
                setattr(module, name, _Normalised(child))
            elif isinstance(child, nn.Conv2d) and parametrize.is_parametrized(child):
                setattr(module, name, _applied(child))
    return copied


def _applied(convolution: nn.Conv2d) -> nn.Conv2d:
    """Return a convolution with the weight that a spectral norm makes of its own.

    `remove_parametrizations` would change the class that a copy shares with what it was copied from.
    """
    plain = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        (convolution.kernel_size[0], convolution.kernel_size[1]),
        (convolution.stride[0], convolution.stride[1]),
        int(convolution.padding[0]),
        bias=convolution.bias is not None,
    )
    plain.weight.data = convolution.weight.detach().clone()
    if convolution.bias is not None:
        plain.bias = nn.Parameter(convolution.bias.detach().clone())
    return plain


class _Normalised(nn.Module):
    """Normalisation by the statistics of the picture at hand, which is batch and instance norm of one picture."""

    def __init__(self, norm: nn.BatchNorm2d | nn.InstanceNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.epsilon = norm.weight, norm.bias, norm.eps

    def forward(self, features: Features) -> Features:
        centred = features - features.mean(dim=(2, 3), keepdim=True)
        scaled = centred * (centred.square().mean(dim=(2, 3), keepdim=True) + self.epsilon).rsqrt()
        if self.weight is None:
            return scaled
        return scaled * self.weight[:, None, None] + self.bias[:, None, None]
