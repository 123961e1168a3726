"""Pictures as eyes see them: 8-bit sRGB on white paper."""

import io

from PIL import Image as Pillow
from PIL import ImageCms

from impasto.image.encoding import to_8_bits
from impasto.image.io import Image

PAPER = (255, 255, 255)


def on_paper(image: Image) -> Pillow.Image:
    """Return a picture as 8-bit sRGB, what is transparent on white."""
    pixels = to_8_bits(image.pixels)
    picture = Pillow.fromarray(pixels[:, :, 0] if image.grey else pixels)
    if image.icc is not None:
        picture = _in_srgb(picture, image.icc)
    picture = picture.convert("RGB")
    if image.alpha is None:
        return picture
    paper = Pillow.new("RGB", picture.size, PAPER)
    paper.paste(picture, mask=Pillow.fromarray(to_8_bits(image.alpha)))
    return paper


def _in_srgb(picture: Pillow.Image, icc: bytes) -> Pillow.Image:
    """Convert from a colour profile; one that Pillow cannot read is taken for sRGB."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        converted = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture
    return picture if converted is None else converted
