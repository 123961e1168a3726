"""Domain losses, as sums in float64 over single pictures and names."""

import math

import pytest
import torch
from torch import Tensor

from impasto.losses.classification import domain_loss


def slow(logits: Tensor, labels: Tensor, owners: Tensor, groups: list[tuple[int, bool]]) -> float:
    """Return the loss, picture by picture and name by name."""
    total = 0.0
    for found, wanted, owner in zip(logits.tolist(), labels.tolist(), owners.tolist(), strict=True):
        first = sum(size for size, _ in groups[:owner])
        size, exclusive = groups[owner]
        mine, target = found[first : first + size], wanted[first : first + size]
        if exclusive:
            total -= mine[target.index(1.0)] - math.log(sum(math.exp(value) for value in mine))
        else:
            for value, is_so in zip(mine, target, strict=True):
                chance = 1 / (1 + math.exp(-value))
                total -= math.log(chance if is_so else 1 - chance)
    return total / len(logits)


@pytest.mark.parametrize("groups", [[(4, True)], [(3, False)], [(3, False), (2, True)], [(2, True), (2, True)]])
def test_the_slow_sum(groups: list[tuple[int, bool]]):
    torch.manual_seed(0)
    names = sum(size for size, _ in groups)
    owners = torch.tensor([index % len(groups) for index in range(6)])
    logits, labels = 3 * torch.randn(6, names), torch.zeros(6, names)
    for row, owner in enumerate(owners.tolist()):
        first = sum(size for size, _ in groups[:owner])
        size, exclusive = groups[owner]
        mine = torch.eye(size)[row % size] if exclusive else (torch.rand(size) > 0.5).float()
        labels[row, first : first + size] = mine
    assert float(domain_loss(logits, labels, owners, groups)) == pytest.approx(
        slow(logits.double(), labels, owners, groups), rel=1e-5
    )


def test_names_of_other_data_sets_have_no_part():
    torch.manual_seed(0)
    logits = torch.randn(2, 5, requires_grad=True)
    labels = torch.tensor([[1.0, 0, 1, 0, 0], [0, 0, 0, 1, 0]])
    groups = [(3, False), (2, True)]
    owners = torch.tensor([0, 1])
    domain_loss(logits, labels, owners, groups).backward()
    assert logits.grad is not None
    assert bool((logits.grad[0, 3:] == 0).all()) and bool((logits.grad[1, :3] == 0).all())
    assert bool((logits.grad[0, :3] != 0).all()) and bool((logits.grad[1, 3:] != 0).all())
    changed = logits.detach() + torch.tensor([[0.0, 0, 0, 7, 7], [7, 7, 7, 0, 0]])
    assert float(domain_loss(changed, labels, owners, groups)) == float(
        domain_loss(logits.detach(), labels, owners, groups)
    )


def test_a_batch_of_one_data_set_alone():
    """Of another that has no picture in the batch nothing comes, not even a NaN."""
    labels, owners = torch.tensor([[1.0, 0, 0, 0]]), torch.tensor([0])
    loss = domain_loss(torch.zeros(1, 4), labels, owners, [(2, True), (2, False)])
    assert float(loss) == pytest.approx(math.log(2))
