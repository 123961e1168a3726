"""`impasto stylize`: paint pictures after paintings."""

from impasto.cli.words import refuse_early


def main(words: list[str]) -> int:
    """Run `impasto stylize` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: After what was painted so far has been kept.
    """
    refuse_early(words)
    from impasto.cli.stylize_run import main as run  # torch comes with it

    return run(words)
