"""Whether the libraries of the extra `export` are here; asking imports none of them."""

from importlib.util import find_spec

from impasto.errors import ImpastoError


def is_installed(library: str) -> bool:
    """Tell whether a library can be imported."""
    return find_spec(library) is not None


def check_installed(*libraries: str) -> None:
    """Raise unless all libraries can be imported.

    Raises:
        ImpastoError: Naming the first that cannot, and what to do.
    """
    for library in libraries:
        if not is_installed(library):
            raise ImpastoError(f"ONNX needs {library}, which is not installed; run pip install 'impasto[export]'")
