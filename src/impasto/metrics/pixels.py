"""How far pictures are from what they should be, pixel by pixel: for pairs, where there is one right answer."""

from jaxtyping import Float
from torch import Tensor

from impasto._typing import Picture


def l1(found: Picture, wanted: Picture) -> Float[Tensor, " b"]:
    """Return the mean absolute difference of each pair of pictures, in [0, 1].

    Args:
        found: RGB in [0, 1], `(b, 3, height, width)`.
        wanted: Likewise, of the same size.
    """
    return (found - wanted).abs().flatten(1).mean(dim=1)


def psnr(found: Picture, wanted: Picture) -> Float[Tensor, " b"]:
    """Return the peak signal-to-noise ratio of each pair of pictures, in dB; infinite for equal ones.

    Convention: the peak is 1, the mean square that of all channels together.

    Args:
        found: RGB in [0, 1], `(b, 3, height, width)`.
        wanted: Likewise, of the same size.
    """
    return -10 * (found - wanted).square().flatten(1).mean(dim=1).log10()


def ssim(found: Picture, wanted: Picture) -> Float[Tensor, " b"]:
    """Return the structural similarity of each pair of pictures; 1 for equal ones.

    Convention: a Gaussian window of deviation 1.5, constants 0.01 and 0.03, channels averaged (torchmetrics).

    Args:
        found: RGB in [0, 1], `(b, 3, height, width)`, at least 11 × 11.
        wanted: Likewise, of the same size.

    Reference: Wang, Bovik, Sheikh & Simoncelli 2004, "Image Quality Assessment: From Error Visibility to Structural
    Similarity".
    """
    from torchmetrics.functional.image import structural_similarity_index_measure  # noqa: PLC0415 -- of an extra

    each = structural_similarity_index_measure(found, wanted, data_range=1.0, reduction="none")
    assert isinstance(each, Tensor)
    return each.reshape(-1)
