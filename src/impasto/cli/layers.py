"""`impasto layers`: what each layer of the network sees."""

from impasto.cli.words import refuse_early


def main(words: list[str]) -> int:
    """Run `impasto layers` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: After the layers painted so far have been kept.
    """
    if words[:1] == ["channels"]:
        from impasto.cli.channels_run import main as paint_channels

        return paint_channels(words[1:])
    refuse_early(words, before_pictures=1)
    from impasto.cli.layers_run import main as run  # torch comes with it

    return run(words)
