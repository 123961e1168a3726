"""`impasto edit`: remove, move, add and restyle objects of label maps, and paint them."""

from impasto.cli.words import refuse_early


def main(words: list[str]) -> int:
    """Run `impasto edit` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
    """
    refuse_early(words, before_pictures=1)
    from impasto.cli.edit_run import main as run  # torch comes with it

    return run(words)
