"""Verbs paint very small pictures, with one thread."""

import pytest


@pytest.fixture
def photo_size() -> tuple[int, int]:
    """As large as the Great Wave in `folder`."""
    return 48, 36


@pytest.fixture(autouse=True)
def quiet(one_thread: None) -> None:
    """Paint with one thread."""
