"""`impasto reproduce`: paint a picture again from the recipe it carries."""

from impasto.cli.words import refuse_early


def main(words: list[str]) -> int:
    """Run `impasto reproduce` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
    """
    refuse_early(words)
    from impasto.cli.reproduce_run import main as run  # torch comes with it

    return run(words)
