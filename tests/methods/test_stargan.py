"""StarGAN's networks: numbers of weights that are published, what they see, what they give, strips, labels."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import conv2d, pad

from impasto.errors import InputError, SettingError
from impasto.methods.stargan import (
    DomainGenerator,
    KeepingGenerator,
    StarganSettings,
    discriminator_of,
    generator_of,
    networks,
    with_label,
)
from impasto.nn.unet import UNet

SMALL = StarganSettings(domains=("a|b|c",), base_channels=4, discriminator_channels=2, num_blocks=2)


def counts(settings: StarganSettings) -> dict[str, int]:
    return {name: sum(map(torch.numel, net.parameters())) for name, net in networks(settings).items()}


def test_published_numbers_of_weights():
    """Of the authors' code, by PyTorch: G of 5 and 8 domains, D of 128 pixels and 5 domains."""
    assert counts(StarganSettings()) == {"generator": 8_430_528, "discriminator": 44_762_048}
    eight = StarganSettings(domains=("|".join("abcdefgh"),))
    assert counts(eight)["generator"] == 8_439_936


def test_a_mask_widens_the_generator_alone():
    both = StarganSettings(domains=("a,b,c,d,e", "A|B|C|D|E|F|G|H"))
    more = counts(both)["generator"] - counts(StarganSettings())["generator"]
    assert more == (8 + 2) * 64 * 49, "8 names and 2 for the mask, each a channel of the first layer"
    heads = counts(both)["discriminator"] - counts(StarganSettings())["discriminator"]
    assert heads == 8 * 2048 * 2 * 2


@pytest.mark.parametrize(("crop", "layers", "left"), [(128, 6, 2), (64, 5, 2), (64, 6, 1), (256, 6, 4)])
def test_what_the_discriminator_gives(crop: int, layers: int, left: int):
    settings = replace(SMALL, crop_size=crop, load_size=crop, num_layers=layers, discriminator_channels=1)
    verdicts, logits = discriminator_of(settings)(torch.rand(2, 3, crop, crop))
    assert verdicts.shape == (2, 1, left, left) and logits.shape == (2, 3)


def test_what_a_verdict_sees():
    """Six layers of 4 × 4 and stride 2, then one of 3 × 3: 190 + 2 · 64 pixels."""
    judge = discriminator_of(replace(SMALL, discriminator_channels=1, crop_size=512, load_size=512))
    for weight in judge.parameters():
        torch.nn.init.constant_(weight, 1e-2 if weight.ndim > 1 else 0.1)
    picture = torch.rand(1, 3, 512, 512, requires_grad=True)
    judge(picture)[0][0, 0, 4, 4].backward()
    assert picture.grad is not None
    rows = picture.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 190 + 2 * 64


@pytest.mark.parametrize("changes", [{}, {"generator": "unet", "num_downs": 5}])
def test_what_is_not_painted_stays(changes: dict[str, object]):
    """Where the mask is -1 the picture stays, where it is 1 the colours are taken, and between them the mean."""
    generator = generator_of(replace(SMALL, attention=True, **changes))
    assert isinstance(generator, KeepingGenerator)
    picture = with_label(torch.rand(1, 3, 64, 64) * 2 - 1, torch.tensor([[1.0, 0, 0]]))
    painted = torch.rand(1, 4, 64, 64) * 2 - 1
    painted[:, 3, :, :20], painted[:, 3, :, 20:40], painted[:, 3, :, 40:] = -1, 0, 1
    generator.painter.forward = lambda entered: painted
    found = generator(picture)
    colors, kept = painted[:, :3], picture[:, :3]
    assert torch.equal(found[..., :20], kept[..., :20])
    assert torch.allclose(found[..., 20:40], ((colors + kept) / 2)[..., 20:40])
    assert torch.allclose(found[..., 40:], colors[..., 40:])


@torch.no_grad()
def test_the_papers_first_layer_knows_a_label_by_the_zeros_around_alone():
    """Its normalisation takes out what is the same at every place; a U-Net's first layer has none."""
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    entered = [with_label(picture, torch.tensor([label])) for label in ([1.0, 0, 0], [0, 1.0, 0])]
    papers = generator_of(SMALL)
    assert isinstance(papers, DomainGenerator)
    reflected = [
        papers.enter_norm(conv2d(pad(each, (3,) * 4, mode="reflect"), papers.enter.weight)) for each in entered
    ]
    assert torch.allclose(*reflected, atol=1e-4)
    zeros = [papers.enter_norm(papers.enter(each)) for each in entered]
    assert float((zeros[0] - zeros[1]).abs().max()) > 0.1
    unet = generator_of(replace(SMALL, generator="unet", num_downs=5))
    assert isinstance(unet, UNet)
    inner = [unet.down_norm[0](unet.down[0](each))[..., 4:12, 4:12] for each in entered]
    assert float((inner[0] - inner[1]).abs().max()) > 0.1


def test_a_unet_takes_crops_that_it_can_halve():
    with pytest.raises(SettingError, match="crop_size is 48, but a U-Net with num_downs 5 takes multiples of 32"):
        StarganSettings(generator="unet", num_downs=5, crop_size=48, load_size=48, num_layers=4)
    assert StarganSettings(num_downs=5, crop_size=48, load_size=48, num_layers=4).generator == "resnet"


def test_too_many_layers_are_refused():
    with pytest.raises(SettingError, match=r"num_layers is 7, .* nothing of crops of 64 pixels; .* at most 6"):
        StarganSettings(crop_size=64, load_size=64, num_layers=7)
    with pytest.raises(SettingError, match=r"domains is 3; allowed are names with \| between them"):
        StarganSettings(domains=(3,))


def test_labels_lie_beside_the_colours():
    picture = torch.rand(2, 3, 4, 5)
    entered = with_label(picture, torch.tensor([[1.0, 0], [0, 1]]))
    assert torch.equal(entered[:, :3], picture)
    assert (
        bool((entered[0, 3] == 1).all()) and bool((entered[0, 4] == 0).all()) and bool((entered[1, 4] == 1).all())
    )


def test_sizes_that_it_does_not_take():
    with pytest.raises(InputError, match="is 12×10 pixels; each side must be a multiple of 4, at least 8"):
        generator_of(SMALL)(torch.zeros(1, 6, 10, 12))
