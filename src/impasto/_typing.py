"""Shapes written once: every public function that takes or gives tensors names them with these."""

from jaxtyping import Float
from torch import Tensor

Picture = Float[Tensor, "b 3 h w"]
"""RGB pictures, values in [0, 1]: the one convention at every public boundary."""

Features = Float[Tensor, "b c h w"]
"""What one layer of a network gives."""

Weight = Float[Tensor, "1 1 _h _w"]
"""How much each pixel counts, values in [0, 1]: a mask, soft edges allowed."""

Scalar = Float[Tensor, ""]
"""A single number, as losses are."""
