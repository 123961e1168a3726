"""Pictures as eyes see them: 8-bit sRGB on white paper."""

from PIL import Image as Pillow

from impasto.image.encoding import to_8_bits
from impasto.image.io import Image
from impasto.image.profiles import to_srgb

PAPER = (255, 255, 255)


def on_paper(image: Image) -> Pillow.Image:
    """Return a picture as 8-bit sRGB, what is transparent on white."""
    pixels = to_8_bits(to_srgb(image.pixels, image.icc))
    picture = Pillow.fromarray(pixels[:, :, 0] if image.grey else pixels)
    picture = picture.convert("RGB")
    if image.alpha is None:
        return picture
    paper = Pillow.new("RGB", picture.size, PAPER)
    paper.paste(picture, mask=Pillow.fromarray(to_8_bits(image.alpha)))
    return paper
