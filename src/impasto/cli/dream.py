"""`impasto dream`: paint what a network sees."""

from impasto.cli.words import refuse_early


def main(words: list[str]) -> int:
    """Run `impasto dream` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: After what was dreamt so far has been kept.
    """
    refuse_early(words)
    from impasto.cli.dream_run import main as run  # torch comes with it

    return run(words)
