import sys
from dataclasses import replace

import pytest
import torch

from contest.judging import Judge, Losses
from contest.summary import Pair, Results, summary
from contest.walks import Start, Trace, trace_of, walk_settings
from contest.workers import ANY_STYLE, BUILT_IN, Contestant, Worker
from impasto.nn.perceptual import PerceptualLoss, PerceptualSettings
from impasto.nn.vgg import VGG

DOUBLER = """
from contest.serving import serve

class Doubler:
    def paint(self, number):
        print("what a library has to say")
        return 2 * number

serve(Doubler())
"""


@pytest.fixture(scope="module")
def start():
    torch.manual_seed(0)
    photo, painting = torch.rand(1, 3, 32, 48), torch.rand(1, 3, 48, 32)
    return Start(photo, painting, Judge(VGG.pretrained(), photo, painting), ("a", "b"))


def test_the_judge_is_the_loss_that_networks_are_trained_on(start):
    layers = PerceptualSettings()
    loss = PerceptualLoss(VGG.pretrained(), layers.content_layers, layers.style_layers, 1.0, 1.0, 1.0)
    picture = torch.rand(1, 3, 32, 48)

    with torch.no_grad():
        terms = loss(picture, start.content, loss.grams(start.painting))

    assert start.judge(picture) == pytest.approx((float(terms["content"]), float(terms["style"])), rel=1e-5)


@pytest.mark.parametrize("walk", ["plain", "impasto"])
def test_a_walk_starts_at_the_photo_and_is_walked_once(start, walk, tmp_path):
    settings = walk_settings(PerceptualSettings(), 48)
    walked = trace_of(walk, start, settings, 4, tmp_path)
    kept = trace_of(walk, start._replace(judge=None), settings, 3, tmp_path)
    other = trace_of(walk, start, replace(settings, content_weight=4.0), 2, tmp_path)

    assert walked.after(0) == start.judge(start.content)
    assert walked.content[0] == 0
    assert len(walked.style) == 5
    assert walked.style[4] < walked.style[0]
    assert kept == walked
    assert other.content[2] < walked.content[2]


def test_equivalent_steps_are_those_of_a_linear_search():
    trace = Trace(content=[0.0, 0.2, 0.3, 0.3], style=[0.9, 0.5, 0.6, 0.1], device="cpu", dtype="float32")

    assert trace.steps_to(1.0, limit=3) == 0
    assert trace.steps_to(0.6, limit=3) == 1
    assert trace.steps_to(0.2, limit=3) == 3
    assert trace.steps_to(0.2, limit=2) is None
    assert trace.after(3) == Losses(0.3, 0.1)


def test_ratios_above_one_mean_that_ours_is_better():
    ours, theirs = Losses(0.4, 0.1), Losses(0.5, 0.3)
    close = Pair({"prediction": ours, ANY_STYLE: theirs}, {"prediction": True})
    far = Pair({"prediction": theirs, ANY_STYLE: ours}, {"prediction": False})
    for pair, steps in (close, 60), (far, None):
        pair.steps["plain"], pair.gatys_content["plain"] = {"prediction": steps}, {"prediction": 0.6}
        pair.gatys["plain"] = {100: Losses(0.5, 0.05)}
    seconds = {512: {"prediction": 0.2, BUILT_IN: 0.5, ANY_STYLE: 0.1}}
    peaks = {"prediction": 0.5, BUILT_IN: 1.5, ANY_STYLE: 0.25}

    told = summary(Results(seconds, peaks, [close, far]), ["prediction"])

    assert told["time_ratio_to_built_in"] == {"prediction": {512: 2.5}}
    assert told["memory_ratio_to_any_style"] == {"prediction": 0.5}
    assert told["quality"]["prediction"]["all"]["share_better_in_style_at_no_more_content"] == 0.5
    assert told["quality"]["prediction"]["trained_on"]["style_ratio"] == 3
    assert told["equivalent_steps"]["prediction"]["trained_on"]["plain"]["median_steps"] == 60
    assert told["equivalent_steps"]["prediction"]["all"]["plain"]["median_steps"] is None
    assert told["gatys"]["plain"] == {100: {"content": 0.5, "style": 0.05}}


def test_what_was_not_measured_is_not_told():
    assert summary(Results(), ["prediction"]) == {}


def test_a_contestant_answers_from_its_own_process(tmp_path, capfd):
    script = tmp_path / "doubler.py"
    script.write_text(DOUBLER, encoding="utf-8")

    with Worker(Contestant("doubler", (sys.executable, str(script)))) as worker:
        replies = [worker.ask("paint", number) for number in ("ab", "c")]

    assert [reply.answer for reply in replies] == ["abab", "cc"]
    assert all(reply.seconds >= 0 and reply.peak > 0 for reply in replies)
    assert "what a library has to say" in capfd.readouterr().err
