"""How the terms of style transfer are scaled."""

from typing import Literal

Scaling = Literal["relative", "paper"]
"""`paper`: as Gatys et al. print the formulas. `relative`: divided by the size of the target, so that every
layer of every network weighs the same and 1 means "as wrong as nothing at all"."""
