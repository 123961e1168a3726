"""How the terms of style transfer are scaled."""

from typing import Literal

Scaling = Literal["relative", "paper"]
"""`paper`: divided by the number of values, as Gatys et al. divide their style terms. `relative`: divided by the
size of the target, so that every layer of every network weighs the same, and 1 is "as wrong as nothing"."""
