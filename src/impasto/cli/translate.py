"""`impasto translate`: turn pictures into others."""

from impasto.cli.words import refuse_early


def main(words: list[str]) -> int:
    """Run `impasto translate` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
    """
    refuse_early(words, before_pictures=1)
    from impasto.cli.translate_run import main as run  # torch comes with it

    return run(words)
