"""`impasto sheet`: one picture painted with many settings, side by side."""

from impasto.cli.words import refuse_early


def main(words: list[str]) -> int:
    """Run `impasto sheet` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: After the cells painted so far have been kept.
    """
    refuse_early(words)
    from impasto.cli.sheet_run import main as run  # torch comes with it

    return run(words)
