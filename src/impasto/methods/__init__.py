"""The methods, one file a paper; this is their table. Reading it imports none of them."""

from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType, ModuleType


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        name: What a user calls it, and the name of its file.
        verb: Which verb it serves: `stylize`, `dream` or `translate`.
        settings: Name of its settings dataclass.
        what: One line on what it does.
        paper: Authors, title, venue or year.
        url: Where the paper is.
        one_pass: Whether a trained network paints, in one pass (`nn.one_pass`).
        named_styles: Whether its styles are those the network has learnt, called by name; else any painting.
        labelled: Whether it makes pictures of label maps.
        unpaired: Whether it learns from pictures of two kinds that do not belong together.
        both_ways: Whether its model file has a generator for each direction.
        file: Its file among the methods, where that is not called like it: several methods of one paper.
        named_domains: Whether it is told by name what to translate to.
    """

    name: str
    verb: str
    settings: str
    what: str
    paper: str
    url: str
    one_pass: bool = False
    named_styles: bool = False
    labelled: bool = False
    unpaired: bool = False
    both_ways: bool = False
    file: str = ""
    named_domains: bool = False

    def load(self) -> ModuleType:
        """Import the method's file, which has its settings class and `networks(settings)`."""
        return import_module(f"impasto.methods.{self.file or self.name}")


METHODS = MappingProxyType(
    {
        "gatys": Method(
            name="gatys",
            verb="stylize",
            settings="GatysSettings",
            what="paints one picture after any painting by optimising its pixels: slow, and the best quality",
            paper="Gatys, Ecker & Bethge, Image Style Transfer Using Convolutional Neural Networks, CVPR 2016",
            url="https://arxiv.org/abs/1508.06576",
        ),
        "johnson": Method(
            name="johnson",
            verb="stylize",
            settings="JohnsonSettings",
            what="paints in one pass after the one painting it was trained on",
            paper="Johnson, Alahi & Fei-Fei, Perceptual Losses for Real-Time Style Transfer, ECCV 2016",
            url="https://arxiv.org/abs/1603.08155",
            one_pass=True,
            named_styles=True,
        ),
        "multistyle": Method(
            name="multistyle",
            verb="stylize",
            settings="MultistyleSettings",
            what="paints in one pass after any of the paintings it was trained on, or mixtures of them",
            paper="Dumoulin, Shlens & Kudlur, A Learned Representation for Artistic Style, ICLR 2017",
            url="https://arxiv.org/abs/1610.07629",
            one_pass=True,
            named_styles=True,
        ),
        "adain": Method(
            name="adain",
            verb="stylize",
            settings="AdainSettings",
            what="paints in one pass after any painting, by its features' means and deviations",
            paper="Huang & Belongie, Arbitrary Style Transfer with Adaptive Instance Normalization, ICCV 2017",
            url="https://arxiv.org/abs/1703.06868",
            one_pass=True,
        ),
        "prediction": Method(
            name="prediction",
            verb="stylize",
            settings="PredictionSettings",
            what="paints in one pass after any painting, by a network that predicts how",
            paper="Ghiasi, Lee, Kudlur, Dumoulin & Shlens, Exploring the Structure of a Real-Time, Arbitrary "
            "Neural Artistic Stylization Network, BMVC 2017",
            url="https://arxiv.org/abs/1705.06830",
            one_pass=True,
        ),
        "deepdream": Method(
            name="deepdream",
            verb="dream",
            settings="DeepDreamSettings",
            what="paints into a picture what a network sees in it",
            paper="Mordvintsev, Olah & Tyka, Inceptionism: Going Deeper into Neural Networks, Google Research "
            "Blog, 2015",
            url="https://research.google/blog/inceptionism-going-deeper-into-neural-networks/",
        ),
        "pix2pix": Method(
            name="pix2pix",
            verb="translate",
            settings="Pix2PixSettings",
            what="turns pictures into others, as learnt from aligned pairs",
            paper="Isola, Zhu, Zhou & Efros, Image-to-Image Translation with Conditional Adversarial Networks, "
            "CVPR 2017",
            url="https://arxiv.org/abs/1611.07004",
        ),
        "pix2pixhd": Method(
            name="pix2pixhd",
            verb="translate",
            settings="Pix2PixHDSettings",
            what="turns label maps into large pictures, as learnt from pictures with their maps",
            paper="Wang, Liu, Zhu, Tao, Kautz & Catanzaro, High-Resolution Image Synthesis and Semantic "
            "Manipulation with Conditional GANs, CVPR 2018",
            url="https://arxiv.org/abs/1711.11585",
            labelled=True,
        ),
        "spade": Method(
            name="spade",
            verb="translate",
            settings="SpadeSettings",
            what="turns label maps into pictures, as learnt from pictures with their maps",
            paper="Park, Liu, Wang & Zhu, Semantic Image Synthesis with Spatially-Adaptive Normalization, "
            "CVPR 2019",
            url="https://arxiv.org/abs/1903.07291",
            labelled=True,
        ),
        "cyclegan": Method(
            name="cyclegan",
            verb="translate",
            settings="CycleGANSettings",
            what="turns pictures of one kind into another and back, as learnt from both kinds without pairs",
            paper="Zhu, Park, Isola & Efros, Unpaired Image-to-Image Translation Using Cycle-Consistent "
            "Adversarial Networks, ICCV 2017",
            url="https://arxiv.org/abs/1703.10593",
            unpaired=True,
            both_ways=True,
        ),
        "cut": Method(
            name="cut",
            verb="translate",
            settings="CutSettings",
            what="turns pictures of one kind into another, as learnt from both kinds without pairs",
            paper="Park, Efros, Zhang & Zhu, Contrastive Learning for Unpaired Image-to-Image Translation, "
            "ECCV 2020",
            url="https://arxiv.org/abs/2007.15651",
            unpaired=True,
        ),
        "fastcut": Method(
            name="fastcut",
            verb="translate",
            settings="FastCutSettings",
            what="does what cut does, learnt in less time and memory",
            paper="Park, Efros, Zhang & Zhu, Contrastive Learning for Unpaired Image-to-Image Translation, "
            "ECCV 2020",
            url="https://arxiv.org/abs/2007.15651",
            unpaired=True,
            file="cut",
        ),
        "sincut": Method(
            name="sincut",
            verb="translate",
            settings="SinCutSettings",
            what="turns one large picture into the kind of another, as learnt from these two alone",
            paper="Park, Efros, Zhang & Zhu, Contrastive Learning for Unpaired Image-to-Image Translation, "
            "ECCV 2020",
            url="https://arxiv.org/abs/2007.15651",
            unpaired=True,
            file="cut",
        ),
        "stargan": Method(
            name="stargan",
            verb="translate",
            settings="StarganSettings",
            what="turns pictures of many domains into each other, called by name, as learnt from folders of each",
            paper="Choi, Choi, Kim, Ha, Kim & Choo, StarGAN: Unified Generative Adversarial Networks for "
            "Multi-Domain Image-to-Image Translation, CVPR 2018",
            url="https://arxiv.org/abs/1711.09020",
            named_domains=True,
        ),
    }
)
