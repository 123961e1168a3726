import torch
from impasto.nn.vgg import VGG
def test_a():
    v = VGG.pretrained()
    v(torch.rand(1,3,64,64), ["relu4_2"])
