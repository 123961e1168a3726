"""The page: one tab a verb."""

import gradio as gr

from impasto.studio.dream_tab import DreamTab
from impasto.studio.places import Places
from impasto.studio.style_tab import StyleTab
from impasto.studio.train_tab import TrainTab
from impasto.studio.translate_tab import TranslateTab
from impasto.studio.visitors import Visitors

TITLE = "impasto studio"
MASTHEAD = '<div class="masthead"><h1>impasto</h1><p>Your photo in a painter\'s hand.</p></div>'
SWEEP_SECONDS, KEEP_SECONDS = 600, 3600
"""How often files that passed through the page are looked at, and at which age they are removed."""
OPEN = "open"
"""An event of each page that never ends."""


def page(visitors: Visitors, places: Places) -> gr.Blocks:
    """Build the page.

    Args:
        visitors: Whoever opens it.
        places: The folders that it may use.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(SWEEP_SECONDS, KEEP_SECONDS)) as blocks:
        gr.HTML(MASTHEAD, js_on_load=None)
        with gr.Tab("Style", elem_id="style"):
            StyleTab(visitors)
        with gr.Tab("Dream", elem_id="dream"):
            DreamTab(visitors)
        with gr.Tab("Translate", elem_id="translate") as translate:
            TranslateTab(visitors, places, translate)
        with gr.Tab("Train", elem_id="train"):
            TrainTab(places)

        def stay(request: gr.Request) -> None:
            _waiting(blocks).setdefault(request.session_hash or "", set()).add(OPEN)

        def forget(request: gr.Request) -> None:
            _waiting(blocks).get(request.session_hash or "", set()).discard(OPEN)
            visitors.forget(request.session_hash)

        blocks.load(stay, show_progress="hidden", api_visibility="private")
        blocks.unload(forget)
    blocks.queue(default_concurrency_limit=None)
    # only then does Gradio itself ask where a file lies that a page names
    blocks.has_launched = True
    return blocks


def _waiting(blocks: gr.Blocks) -> dict[str, set[str]]:
    """Return which events each page waits for.

    Gradio ends the stream of answers to a page when none is left, and a page that asks for something while the news
    of that is under way never hears of it; so each has one, as long as it is open.
    """
    waiting: dict[str, set[str]] = blocks._queue.pending_event_ids_session
    return waiting
