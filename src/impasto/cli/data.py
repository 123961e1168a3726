"""`impasto data check`: look at a data folder before a training does."""

from impasto.errors import SettingError, check_choice


def main(words: list[str]) -> int:
    """Run `impasto data` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
    """
    if not words or words[0] in ("-h", "--help"):
        print("usage: impasto data check DIR --for METHOD …\nimpasto data check --help tells all flags")
        return 0
    if words[0].startswith("-"):
        raise SettingError("there is no word after impasto data; write check and a folder")
    check_choice("the word after impasto data", words[0], ("check",))
    from impasto.cli.data_run import main as run  # torch comes with it

    return run(words[1:])
