"""Pictures in and out, torch-free; `impasto.image.tensors` hands them to networks."""

from impasto.image.io import (
    Image,
    ImageSource,
    check_image_file,
    encode_image,
    read_image,
    write_image,
)

__all__ = ["Image", "ImageSource", "check_image_file", "encode_image", "read_image", "write_image"]
