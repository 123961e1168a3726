"""`impasto layers`: what each layer of the network sees."""

from impasto.cli.words import refuse_early


def main(words: list[str]) -> int:
    """Run `impasto layers` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: After the layers painted so far have been kept.
    """
    refuse_early(words, before_pictures=1)
    from impasto.cli.layers_run import main as run  # torch comes with it

    return run(words)
