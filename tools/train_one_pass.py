"""Train one-pass networks, stage by stage.

    python tools/train_one_pass.py STAGE DATA RUNS

DATA holds photos in `PHOTO_FOLDERS` and paintings in the folders of `REPEATED` and `THINNED`; RUNS gets a folder
for each stage, and an interrupted stage goes on when the command is repeated. STAGE is one of `STAGES`, in their
order. The first teaches a network to give photos back: one that begins with noise learns negatives of photos as
readily as photos. The bundled networks were trained by earlier versions of these stages (fewer pictures, the edge
network of that time as loss network and encoder); these train with `vgg16`. What was stopped before its last step
says so; the rate of learning had not fallen to zero then.
"""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from impasto.data.crops import Crops
from impasto.errors import ImpastoError
from impasto.image.files import pictures_in
from impasto.image.io import read_image
from impasto.image.regions import visible_colors
from impasto.methods.adain import AdainSettings, decoder_of, encode
from impasto.methods.multistyle import MultistyleSettings
from impasto.methods.prediction import Prediction, PredictionPainter, PredictionSettings, network_of
from impasto.nn.compute import choose_dtype, lay_out, reused_memory
from impasto.nn.transform import Painting
from impasto.nn.vgg import VGG, check_encoder
from impasto.training.run_settings import RunSettings
from impasto.training.train import train
from impasto.weights.model import Card, read_model, write_model

HALF_WIDTH, HALF_ADAIN = 16, 32
"""Channels at full resolution: half of the papers' widths."""
JUDGED = (
    "wave",
    "starry_night",
    "the_scream",
    "edvard-munch-the-scream",
    "composition_vii",
    "udnie",
    "edtaonisl",
    "mondrian",
    "water_lilies_1919",
)
"""Paintings that any-style networks are measured on, and another version of one; they are never trained on."""
REPEATED: Mapping[str, int] = {"art/classics": 6, "art/train": 3, "art/masterpieces": 2}
"""Folders whose paintings come more than once in a round: strong palettes and strokes are few."""
THINNED: Mapping[str, int] = {"art/louvre": 4, "art/titian": 2, "monet/train": 2}
"""Folders of which every so-many-th painting is taken: dark old masters would outnumber everything else."""
PHOTO_FOLDERS = ("photos/train", "photos/objects")
EXAMPLES = Path(__file__).parents[1] / "examples" / "paintings"

STYLES: Mapping[str, str] = {
    "composition_vii": "art/classics/composition_vii.jpg",
    "delaunay_metzinger": "art/classics/robert_delaunay_1906_portrait.jpg",
    "edtaonisl": "art/classics/edtaonisl.jpg",
    "gauguin_tahiti": "art/classics/tahiti_guaguin.jpg",
    "grande_jatte": "art/train/georges-seurat-un-dimanche-apr-s-midi-l-le-de-la-grande-jatte.jpg",
    "hoitsu_flowers": "art/classics/sakai_hoitsu_flowers.jpg",
    "kandinsky_cossacks": "art/train/wassily-kandinsky-cosaques.jpg",
    "klimt_adele": "art/train/gustav-klimt-adele-bloch-bauer-s-portrait.jpg",
    "mondrian_composition": "art/classics/mondrian.jpg",
    "mondrian_gray_tree": "art/train/piet-mondrian-gray-tree.jpg",
    "shipwreck": "art/classics/shipwreck.jpg",
    "the_scream": "art/classics/the_scream.jpg",
    "udnie": "art/classics/udnie.jpg",
    "van_gogh_cafe": "art/classics/vg_la_cafe.jpg",
    "van_gogh_houses": "art/classics/vg_houses.jpg",
    "van_gogh_olives": "art/classics/vg_olive.jpg",
    "van_gogh_self_portrait": "art/classics/vg_self.jpg",
    "van_gogh_wheat_field": "art/classics/vg_wheat_field.jpg",
    "water_lilies": "art/classics/water_lilies_1919.jpg",
    "woman_with_hat": "art/classics/woman-with-hat-matisse.jpg",
}
"""What the bundled multistyle network knows, beside the project's own Great Wave and Starry Night."""


def plain(data: Path, runs: Path) -> None:
    """Teach the transformation network to give photos and paintings back."""
    torch.manual_seed(0)
    network = Prediction(HALF_WIDTH)
    lay_out(network)
    row = torch.nn.Parameter(network.transform.plain_rows(1))

    def paint(pictures: Tensor) -> Tensor:
        painted: Tensor = network.transform(pictures, Painting(row, torch.ones(len(pictures), 1, 1, 1)))
        return painted

    _give_back(paint, [*network.transform.parameters(), row], data, steps=700, learning_rate=3e-3)
    network.widen.bias.data.copy_(row.detach()[0])
    settings = asdict(PredictionSettings(base_channels=HALF_WIDTH))
    write_model(runs / "plain.safetensors", network.state_dict(), Card("prediction", settings))


def prediction(data: Path, runs: Path) -> None:
    """Learn to predict styles from small crops: palettes and strokes."""
    settings = PredictionSettings(
        base_channels=HALF_WIDTH,
        crop_size=128,
        steps=40_000,
        learning_rate=1e-3,
        content_weight=0.35,
        content_layers=("relu3_3", "relu4_2"),
        style_layers=("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_1"),
        looks=3000,
        turned_hues=0.3,
    )
    _train("prediction", data, runs, _art(data), "plain.safetensors", settings)


def prediction_tones(data: Path, runs: Path) -> None:
    """Learn on, with every style at the same distance at the start, light kept light and dark kept dark."""
    settings = PredictionSettings(
        crop_size=128,
        steps=1100,
        learning_rate=1.2e-3,
        content_weight=0.25,
        tone_weight=0.2,
        looks=1000,
        turned_hues=0.4,
        checkerboard_weight=0.0,
    )
    paintings = _art(data)
    _train("prediction_tones", data, runs, paintings, "prediction/model.safetensors", settings)


def multistyle(data: Path, runs: Path) -> None:
    """Learn the named styles, beginning with what is predicted of them; taken after 2,000 of these steps."""
    settings = MultistyleSettings(
        crop_size=128,
        steps=2600,
        learning_rate=1.5e-3,
        content_weight=0.2,
        tone_weight=0.0,
        checkerboard_weight=0.0,
    )
    _train("multistyle", data, runs, _named(data, runs), "prediction/model.safetensors", settings)


def multistyle_tones(data: Path, runs: Path) -> None:
    """Learn on with larger crops, light kept light and dark kept dark; taken after 1,000 of these steps."""
    settings = MultistyleSettings(
        crop_size=160,
        steps=1500,
        learning_rate=1.2e-3,
        content_weight=0.22,
        tone_weight=0.2,
        checkerboard_weight=0.0,
    )
    _train("multistyle_tones", data, runs, _named(data, runs), "multistyle/model.safetensors", settings)


def joined(data: Path, runs: Path) -> None:
    """Join what both have learnt: strokes of `multistyle_tones`, and from statistics to rows `prediction_tones`.

    The one began with the other, so their rows still mean much the same; what the named styles' rows have become
    since is added to the prediction by ridge regression on their embeddings.
    """
    card, tensors = read_model(runs / "prediction_tones" / "model.safetensors")
    _, taught = read_model(runs / "multistyle_tones" / "model.safetensors")
    settings = card.settings_as(PredictionSettings)
    network = network_of(settings)
    network.load_state_dict(tensors)
    painter = PredictionPainter(
        network.eval(), VGG.pretrained(check_encoder(settings.encoder)), settings.style_size
    )
    embeddings = torch.cat([painter.embedding(visible_colors(read_image(path))) for path in _named(data, runs)])
    with torch.no_grad():
        wanted = taught["rows"][1:] - network.rows(embeddings)
        inputs = torch.cat([embeddings, torch.ones(len(embeddings), 1)], dim=1)
        inputs = inputs / math.sqrt(settings.embedding_size)
        mean, ridge = wanted.mean(dim=0), 0.1 * torch.eye(inputs.shape[1])
        learnt = torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ (wanted - mean))
        network.widen.weight.add_(learnt[:-1].T)
        network.widen.bias.add_(mean + learnt[-1] / math.sqrt(settings.embedding_size))
    transform = {name: tensor for name, tensor in taught.items() if name.startswith("transform.")}
    write_model(runs / "joined.safetensors", network.state_dict() | transform, card)


def prediction_strokes(data: Path, runs: Path) -> None:
    """Learn on from what both have learnt, with less of the photo kept; the best of these steps was the 3,500th."""
    settings = PredictionSettings(
        crop_size=128,
        steps=4400,
        learning_rate=1.5e-3,
        content_weight=0.12,
        tone_weight=0.2,
        looks=1000,
        turned_hues=0.4,
        seed=1,
        checkerboard_weight=0.0,
    )
    paintings = _art(data)
    _train("prediction_strokes", data, runs, paintings, "joined.safetensors", settings)


def multistyle_strokes(data: Path, runs: Path) -> None:
    """Learn on with less of the photo kept, beginning with what the named styles had learnt before."""
    settings = MultistyleSettings(
        crop_size=128,
        steps=1600,
        learning_rate=1.5e-3,
        content_weight=0.1,
        tone_weight=0.15,
        seed=1,
        checkerboard_weight=0.0,
    )
    _train("multistyle_strokes", data, runs, _named(data, runs), "multistyle_tones/model.safetensors", settings)


def prediction_even(data: Path, runs: Path) -> None:
    """Learn on without the checkerboards that were left, with larger crops."""
    settings = PredictionSettings(
        crop_size=160,
        steps=2300,
        learning_rate=1.2e-3,
        content_weight=0.1,
        tone_weight=0.2,
        looks=1000,
        turned_hues=0.4,
        seed=2,
    )
    paintings = _art(data)
    _train("prediction_even", data, runs, paintings, "prediction_strokes/model.safetensors", settings)


def multistyle_even(data: Path, runs: Path) -> None:
    """Learn on without the checkerboards that were left, with larger crops."""
    settings = MultistyleSettings(
        crop_size=160, steps=900, learning_rate=1.2e-3, content_weight=0.1, tone_weight=0.15, seed=2
    )
    _train("multistyle_even", data, runs, _named(data, runs), "multistyle_strokes/model.safetensors", settings)


def decoded(data: Path, runs: Path) -> None:
    """Teach the decoder of AdaIN to give photos and paintings back from what VGG sees of them."""
    torch.manual_seed(0)
    settings = AdainSettings(base_channels=HALF_ADAIN, encoded_colors=True)
    vgg = VGG.pretrained(check_encoder(settings.encoder), dtype=choose_dtype("auto", torch.device("cpu")))
    decoder = decoder_of(settings)
    lay_out(decoder)

    def paint(pictures: Tensor) -> Tensor:
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            encoded = encode(vgg, pictures, settings.encoded_colors)
        painted: Tensor = decoder(encoded)
        return painted

    _give_back(paint, [*decoder.parameters()], data, steps=1000, learning_rate=1e-3)
    write_model(runs / "decoded.safetensors", decoder.state_dict(), Card("adain", asdict(settings)))


def adain(data: Path, runs: Path) -> None:
    """Learn to decode features that have a painting's means and deviations; taken after 3,500 of these steps."""
    settings = AdainSettings(
        base_channels=HALF_ADAIN,
        encoded_colors=True,
        crop_size=128,
        batch_size=4,
        steps=8000,
        learning_rate=4e-4,
        content_weight=0.5,
        style_weight=3.0,
        checkerboard_weight=300.0,
        looks=1200,
    )
    paintings = _art(data)
    _train("adain", data, runs, paintings, "decoded.safetensors", settings)


def adain_even(data: Path, runs: Path) -> None:
    """Learn on with checkerboards weighing more; taken after 1,500 of these steps."""
    settings = AdainSettings(
        base_channels=HALF_ADAIN,
        encoded_colors=True,
        crop_size=128,
        batch_size=4,
        steps=4500,
        learning_rate=3e-4,
        content_weight=0.5,
        style_weight=3.0,
        checkerboard_weight=3000.0,
        looks=1200,
        seed=1,
    )
    paintings = _art(data)
    _train("adain_even", data, runs, paintings, "adain/model.safetensors", settings)


def adain_continued(data: Path, runs: Path) -> None:
    """Learn on with photos that go on beyond their edges, by 40 pixels then; zeros lay around crops before."""
    settings = AdainSettings(
        base_channels=HALF_ADAIN,
        encoded_colors=True,
        crop_size=128,
        batch_size=4,
        steps=3600,
        learning_rate=3e-4,
        content_weight=0.5,
        style_weight=3.0,
        checkerboard_weight=3000.0,
        looks=1200,
        seed=2,
    )
    paintings = _art(data)
    _train("adain_continued", data, runs, paintings, "adain_even/model.safetensors", settings)


STAGES: Mapping[str, Callable[[Path, Path], None]] = {
    "plain": plain,
    "prediction": prediction,
    "prediction_tones": prediction_tones,
    "multistyle": multistyle,
    "multistyle_tones": multistyle_tones,
    "joined": joined,
    "prediction_strokes": prediction_strokes,
    "multistyle_strokes": multistyle_strokes,
    "prediction_even": prediction_even,
    "multistyle_even": multistyle_even,
    "decoded": decoded,
    "adain": adain,
    "adain_even": adain_even,
    "adain_continued": adain_continued,
}


def _give_back(
    paint: Callable[[Tensor], Tensor],
    parameters: Sequence[torch.nn.Parameter],
    data: Path,
    steps: int,
    learning_rate: float,
    batch_size: int = 8,
) -> None:
    """Train what paints to give crops of photos and paintings back."""
    paths = [path for each in PHOTO_FOLDERS for path in pictures_in(data / each)] + _art(data)
    crops = Crops(paths, 96, steps * batch_size, zoom=2.5, turned_hues=0.3, seed=9)
    adam = torch.optim.Adam(parameters, lr=learning_rate)
    schedule = OneCycleLR(adam, learning_rate, steps)
    for step in range(steps):
        pictures = torch.stack([crops[step * batch_size + index].picture for index in range(batch_size)])
        with torch.autocast("cpu", torch.bfloat16):
            painted = paint(pictures)
        loss = (painted.float() - pictures).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        if step % 100 == 99:
            print(f"step {step + 1}: mean squared difference {loss.item():.4f}", flush=True)


def _art(data: Path) -> list[Path]:
    """Return the paintings that any-style networks learn from, without those they are measured on."""
    repeated = [path for folder, times in REPEATED.items() for path in pictures_in(data / folder) * times]
    thinned = [path for folder, every in THINNED.items() for path in pictures_in(data / folder)[::every]]
    return [path for path in repeated + thinned if path.stem not in JUDGED]


def _photos(data: Path, runs: Path) -> Path:
    """Return a folder with links to all photos."""
    folder = runs / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    for path in (path for each in PHOTO_FOLDERS for path in pictures_in(data / each)):
        link = folder / path.name
        if not link.exists():
            link.symlink_to(path.resolve())
    return folder


def _named(data: Path, runs: Path) -> list[Path]:
    """Return the styles' pictures as links under the names that the network will know them by."""
    folder = runs / "styles"
    folder.mkdir(parents=True, exist_ok=True)
    places = {name: data / path for name, path in STYLES.items()}
    places |= {name: EXAMPLES / f"{name}.jpg" for name in ("great_wave", "starry_night")}
    for name, place in places.items():
        link = folder / f"{name}.jpg"
        link.unlink(missing_ok=True)
        link.symlink_to(place.resolve())
    return sorted(folder.glob("*.jpg"))


def _train(
    stage: str,
    data: Path,
    runs: Path,
    paintings: list[Path],
    start: str,
    settings: PredictionSettings | MultistyleSettings | AdainSettings,
) -> None:
    def tell(step: int, steps: int, losses: Mapping[str, float | Tensor]) -> None:
        if step % 100 == 0:
            print(step, steps, {name: round(float(value), 4) for name, value in losses.items()}, flush=True)

    trained = train(
        stage.partition("_")[0],
        data=_photos(data, runs),
        styles=paintings,
        run=runs / stage,
        start=runs / start,
        settings=settings,
        run_settings=RunSettings(),
        on_step=tell,
    )
    print(f"{trained.model}: {trained.steps} steps, held-out loss {trained.best:.4f}, {trained.seconds:.0f} s")


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    with reused_memory():
        try:
            STAGES[arguments.stage](arguments.data, arguments.runs)
        except ImpastoError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
