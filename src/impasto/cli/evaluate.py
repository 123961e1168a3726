"""`impasto evaluate`: measure what a translator makes of what it was not trained on."""


def main(words: list[str]) -> int:
    """Run `impasto evaluate` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
    """
    from impasto.cli.evaluate_run import main as run  # torch comes with it

    return run(words)
