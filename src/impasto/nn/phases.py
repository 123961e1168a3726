"""Convolutions at full resolution computed at half of it: the same numbers for a fraction of the work.

Two layers of the networks here waste most of their arithmetic on a CPU. A nearest upsampling gives every value four
times, and the convolution after it multiplies each of them; added up beforehand, its weights are those of a
transposed convolution over the small picture. And a convolution to three channels fills three of the sixteen lanes
that the hardware has; computed for 2 × 2 neighbouring places at once it fills twelve. Parameters are those of the
plain layers, and so are results, up to rounding.
"""

from jaxtyping import Float
from torch import Tensor, channels_last, nn, stack
from torch.nn.functional import conv2d, conv_transpose2d, pad, pixel_shuffle


def convolve_enlarged(features: Float[Tensor, "b c _h _w"], convolution: nn.Module) -> Float[Tensor, "b d _h2 _w2"]:
    """Return a 3 × 3 convolution of the picture repeated to twice its size.

    Args:
        features: With a border of one place on every side; what nearest upsampling and reflection make of a
            picture's edge is its last row and column once more.
        convolution: The 3 × 3 convolution, stride 1.

    Returns:
        Twice as high and wide as the features without their border.
    """
    assert isinstance(convolution, nn.Conv2d)
    flipped = pad(convolution.weight.flip(2, 3).transpose(0, 1), (1, 1, 1, 1))
    rows = flipped[:, :, 1:] + flipped[:, :, :-1]
    weight = rows[:, :, :, 1:] + rows[:, :, :, :-1]
    if features.is_contiguous(memory_format=channels_last):
        weight = weight.contiguous(memory_format=channels_last)  # the result has the layout of the weight
    return conv_transpose2d(features, weight, convolution.bias, stride=2, padding=3)


def convolve_four_places(
    features: Float[Tensor, "b c _h _w"], convolution: nn.Module
) -> Float[Tensor, "b d _h2 _w2"]:
    """Return a convolution, computed for 2 × 2 places at a time; its result must have an even height and width.

    Args:
        features: With their border.
        convolution: Any of stride 1.
    """
    assert isinstance(convolution, nn.Conv2d)
    shifted = [pad(convolution.weight, (x, 1 - x, y, 1 - y)) for y in (0, 1) for x in (0, 1)]
    weight = stack(shifted, dim=1).flatten(0, 1)
    bias = convolution.bias if convolution.bias is None else convolution.bias.repeat_interleave(4)
    return pixel_shuffle(conv2d(features, weight, bias, stride=2), 2)
