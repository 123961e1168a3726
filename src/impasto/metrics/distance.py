"""How far pictures are from each other to a network that sees: a distance of features, as LPIPS has it.

Zhang, Isola, Efros, Shechtman & Wang 2018 (arXiv:1801.03924), equation 1, with VGG-16 as its authors trained it
(`vgg16`) and every channel weighing the same: values cannot be compared with those of the published LPIPS, only
with each other.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from impasto._typing import Picture
from impasto.nn.vgg import VGG

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")


@torch.no_grad()
def perceptual_distance(first: Picture, second: Picture, vgg: VGG) -> Float[Tensor, " b"]:
    """Return the distance of each pair of pictures, at least 0.

    Convention: features of every place scaled to length 1; squared differences summed over channels, averaged over
    places, averaged over layers.

    Args:
        first: RGB in [0, 1], `(b, 3, height, width)`.
        second: Likewise, of the same size.
        vgg: The network that sees.
    """
    layers = [name for name in LAYERS if name in vgg.layer_names]
    one, other = vgg(first, layers), vgg(second, layers)
    apart = [
        (normalize(one[name].float(), dim=1) - normalize(other[name].float(), dim=1)).square().sum(dim=1)
        for name in layers
    ]
    return torch.stack([each.mean(dim=(1, 2)) for each in apart]).mean(dim=0)
