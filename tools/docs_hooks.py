"""What the documentation site takes from the code while it is built, its drawings and its formulas.

A page says where: `<!-- cost: gatys -->` becomes the parameters of the method's networks,
`<!-- deviations: gatys -->` what the method's file says of them, `<!-- settings: gatys -->` the table of its
settings, and `<!-- help: impasto stylize -->` the help of a command. The drawings of `docs_drawings` lie among the
site's pictures. Formulas are LaTeX as GitHub takes it, fenced as `math` or between $` and `$; they become MathML
here, so that browsers need no script for them.
"""

import contextlib
import io
import os
import re
import textwrap
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs_drawings import DRAWINGS
from impasto.cli import main
from impasto.cli.methods_run import count_parameters
from impasto.methods import METHODS
from impasto.verbs.described import settings_table

HELP_COLUMNS = "96"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Teach the site its formulas."""
    fence = {"name": "math", "class": "formula", "format": _fenced}
    config.mdx_configs.setdefault("pymdownx.superfences", {})["custom_fences"] = [fence]
    config.markdown_extensions.append(Formulas())  # type: ignore[arg-type] # Markdown takes these, too
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Draw the drawings."""
    for name, draw in DRAWINGS.items():
        files.append(File.generated(config, f"pictures/{name}", content=draw()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put what the code says where the page asks for it."""
    return re.sub(r"<!-- (\w+): (.+?) -->", _told, markdown)


class Formulas(Extension):
    """Formulas within a line."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 -- Python-Markdown's name
        """Register the pattern before that of code."""
        md.inlinePatterns.register(_Inline(r"\$`([^`]+)`\$", md), "formula", 195)


class _Inline(InlineProcessor):
    def handleMatch(  # type: ignore[override] # noqa: N802 -- Python-Markdown has two kinds of patterns
        self, m: re.Match[str], data: str
    ) -> tuple[Element | str, int, int]:
        return self.md.htmlStash.store(convert(m[1])), m.start(0), m.end(0)


def _fenced(source: str, *_: Any, **__: Any) -> str:
    return f'<div class="formula">{convert(source, display="block")}</div>'


def _told(match: re.Match[str]) -> str:
    tell = _TELLERS.get(match[1])
    return tell(match[2]) if tell else match[0]


def cost(name: str) -> str:
    """Return the table of a method's networks and how many numbers each has learnt, at its default settings."""
    module = METHODS[name].load()
    networks = module.networks(getattr(module, METHODS[name].settings)())
    rows = [f"| {network} | {count_parameters(each):,} |" for network, each in networks.items()]
    return "\n".join(["| network | parameters |", "|---|---:|", *rows])


def deviations(name: str) -> str:
    """Return what a method's file says of its deviations from the paper."""
    said = (METHODS[name].load().__doc__ or "").partition("**Deviations**")[2]
    return "> **Deviations**" + said.rstrip().replace("\n", "\n> ")


def settings(name: str) -> str:
    """Return the table of a method's settings."""
    module = METHODS[name].load()
    table = settings_table(getattr(module, METHODS[name].settings)())
    rows = [
        f"| `--{setting.replace('_', '-')}` | {_shown(row['default'])} | {row['what']}"
        + (f" *{row['allowed']}*" if row["allowed"] else "")
        + " |"
        for setting, row in table.items()
    ]
    return "\n".join(["| setting | default | what it does, *and what is allowed* |", "|---|---|---|", *rows])


def command_help(words: str) -> str:
    """Return what a command, such as `impasto stylize`, prints as its help, without the boxes around it."""
    said, width = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = HELP_COLUMNS
    try:
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            assert main([*words.split()[1:], "--help"]) == 0, f"there is no help for {words}"
    finally:
        os.environ.pop("COLUMNS")
        if width is not None:
            os.environ["COLUMNS"] = width
    lines = [re.sub("[│╭╰╮╯─]", "", line).rstrip() for line in said.getvalue().splitlines()]
    wrapped = [each for line in lines for each in textwrap.wrap(line, int(HELP_COLUMNS)) or [""]]
    return "\n".join(["```text", *wrapped, "```"])


def _shown(value: object) -> str:
    shown = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{shown}`" if shown else ""


_TELLERS: dict[str, Callable[[str], str]] = {
    "cost": cost,
    "deviations": deviations,
    "settings": settings,
    "help": command_help,
}
