"""`impasto train`: teach a network to paint, or to translate."""

from impasto.errors import SettingError, check_choice
from impasto.methods import METHODS

TRAINABLE = tuple(name for name, method in METHODS.items() if method.one_pass or method.verb == "translate")


def main(words: list[str]) -> int:
    """Run `impasto train` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: The run can go on where it was.
    """
    if words and words[0] in ("-h", "--help"):
        print("usage: impasto train METHOD --data DIR [--styles ART] --run RUN …")
        print(f"METHOD is one of {', '.join(TRAINABLE)}")
        print("impasto train METHOD --help tells all flags of one")
        return 0
    if not words or words[0].startswith("-"):
        raise SettingError(f"there is no method to train; write one of {', '.join(TRAINABLE)} after impasto train")
    check_choice("the method to train", words[0], TRAINABLE)
    from impasto.cli.train_run import main as run  # torch comes with it

    return run(METHODS[words[0]], words[1:])
