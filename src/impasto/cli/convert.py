"""`impasto convert`: make a model file of a network that others published."""


def main(words: list[str]) -> int:
    """Run `impasto convert` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
    """
    from impasto.cli.convert_run import main as run  # torch comes with it

    return run(words)
