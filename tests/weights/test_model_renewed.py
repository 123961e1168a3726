"""Settings of older model files are read as this version names them, and bundled models name their encoder."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from impasto.errors import SettingError
from impasto.methods.adain import AdainSettings
from impasto.methods.johnson import JohnsonSettings
from impasto.methods.prediction import PredictionSettings
from impasto.training.train import train
from impasto.weights.model import EDGE_ENCODER, Card, read_card, write_model
from impasto.weights.store import find


def written(path: Path, card: Card) -> Card:
    write_model(path, {"x": torch.zeros(1)}, card)
    return read_card(path)


@pytest.mark.parametrize("name", ["prediction", "adain"])
def test_bundled_models_say_which_network_encodes_paintings_for_them(name: str):
    assert read_card(find(name)).settings["encoder"] == EDGE_ENCODER


@pytest.mark.parametrize("network", [EDGE_ENCODER, "vgg16-imagenet"])
def test_one_network_for_both_becomes_an_encoder_and_a_loss_network(network: str, tmp_path: Path):
    settings = asdict(PredictionSettings()) | {"network": network}
    del settings["encoder"]
    read = written(tmp_path / "old.safetensors", Card("prediction", settings)).settings_as(PredictionSettings)
    assert read.encoder == network
    assert read.network == ("vgg16" if network == EDGE_ENCODER else network)


def test_adain_has_an_encoder_alone(tmp_path: Path):
    settings = asdict(AdainSettings()) | {"network": EDGE_ENCODER}
    del settings["encoder"]
    read = written(tmp_path / "old.safetensors", Card("adain", settings)).settings_as(AdainSettings)
    assert read.encoder == EDGE_ENCODER


def test_a_loss_network_that_is_gone_is_replaced(tmp_path: Path):
    card = Card("johnson", asdict(JohnsonSettings()) | {"network": EDGE_ENCODER})
    assert written(tmp_path / "old.safetensors", card).settings_as(JohnsonSettings).network == "vgg16"


def test_nothing_new_is_trained_with_the_encoder_of_older_models(tmp_path: Path):
    with pytest.raises(SettingError, match="which only older models use; choose vgg16 or vgg16-imagenet"):
        train(
            "adain",
            data=tmp_path,
            styles=[tmp_path],
            run=tmp_path / "run",
            settings=AdainSettings(encoder=EDGE_ENCODER),
        )
    with pytest.raises(
        SettingError, match="encoder is 'vgg99'; choose one of vgg16, vgg16-imagenet, vgg19-imagenet"
    ):
        PredictionSettings(encoder="vgg99")
