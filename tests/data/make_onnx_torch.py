#!/usr/bin/env python3
"""Writes onnx_torch.json: ONNX models as PyTorch exports them, with an input and what PyTorch makes of it.

    python3 make_onnx_torch.py > onnx_torch.json

A model has more than layers where a user's has: a classifier's end, a branch, a transposition before and after. What is
compared is then the value of a part: `part` counts those that can be read.
"""

import base64
import io
import json
import warnings

import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(5)


def text(content):
    return base64.b64encode(content).decode()


def settle(model):
    """Statistics as training leaves them, where it has any."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            with torch.no_grad():
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 2)
                if module.affine:
                    module.weight.uniform_(0.5, 1.5)
                    module.bias.uniform_(-1, 1)
    return model.eval()


def case(name, model, shape, part=None, features=None, **options):
    """`features` gives, of the input, the part's input and output; None: the part is all."""
    settle(model)
    x = torch.randint(-8, 9, shape) / 4.0
    file = io.BytesIO()
    # With PRESERVE, batch normalisation stays an operator of its own.
    settings = {"opset_version": 13, "training": torch.onnx.TrainingMode.PRESERVE, **options}
    torch.onnx.export(model, x, file, **settings)
    with torch.no_grad():
        begin, end = (x, model(x)) if features is None else features(model, x)
    return {
        "name": name,
        "part": part,
        "model": text(file.getvalue()),
        "shape": list(begin.shape),
        "input": text(begin.numpy().astype("<f4").tobytes()),
        "outputShape": list(end.shape),
        "output": text(end.numpy().astype("<f4").tobytes()),
    }


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(), nn.Conv2d(3, 4, 3, padding=1), nn.ReLU6()
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3), nn.Softmax(1))

    def forward(self, x):
        return self.head(self.features(x))


class Block(nn.Module):
    """A residual network: a stem, and a block whose parts lie between branches."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.last = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))

    def forward(self, x):
        x = self.stem(x)
        return self.last(x + self.body(x))


class Image(nn.Module):
    """Channels last, as other frameworks have them, and normalised within the model."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, bias=False)
        self.bias = nn.Parameter(torch.randn(1, 2, 1, 1))
        self.register_buffer("mean", torch.tensor([0.5, 0.25, 0.125]).reshape(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([2.0, 0.5, 3.0]).reshape(3, 1, 1))

    def middle(self, x):
        return nn.functional.relu6(self.conv((x - self.mean) / self.deviation * 2.0) + self.bias)

    def forward(self, x):
        return self.middle(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def block_parts(model, x):
    stem = model.stem(x)
    return x, stem, model.body(stem), model.last(stem + model.body(stem))


def main():
    bn = [nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3, eps=0.25), nn.LeakyReLU(0.125)]
    image = (2, 3, 8, 9)
    cases = [
        case("a classifier's features and its pool", Classifier(), (2, 1, 9, 9), 0, lambda m, x: (x, m.head[0](m.features(x)))),
        case("a classifier with its normalisation folded in", Classifier(), (2, 1, 9, 9), 0, lambda m, x: (x, m.head[0](m.features(x))), training=torch.onnx.TrainingMode.EVAL),
        case("a residual network's stem", Block(), image, 0, lambda m, x: block_parts(m, x)[:2]),
        case("a residual network's block", Block(), image, 1, lambda m, x: block_parts(m, x)[1:3]),
        case("what follows the branches, from its normalisation on", Block(), image, 2, lambda m, x: (sum(block_parts(m, x)[1:3]), block_parts(m, x)[3])),
        case("channels last, normalised in the model", Image(), (2, 6, 5, 3), 0, lambda m, x: (x.permute(0, 3, 1, 2).contiguous(), m.middle(x.permute(0, 3, 1, 2)))),
        case("one axis, normalised", nn.Sequential(*bn), (2, 2, 8)),
        case("three axes, normalised without weights", nn.Sequential(nn.Conv3d(1, 2, 2), nn.BatchNorm3d(2, affine=False)), (1, 1, 3, 4, 3)),
        case("normalised before any convolution", nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 2, 3)), image),
        case("transposed", nn.Sequential(nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1, groups=1), nn.BatchNorm2d(4), nn.Tanh()), (1, 3, 4, 3)),
        case("separable", nn.Sequential(nn.Conv2d(3, 6, 3, padding=2, dilation=2, groups=3), nn.Hardswish(), nn.Conv2d(6, 2, 1), nn.SiLU()), image),
        case("padding of every mode", nn.Sequential(nn.ReflectionPad2d((1, 2, 3, 0)), nn.Conv2d(3, 2, 3), nn.ReplicationPad2d(1), nn.ConstantPad2d((1, 0, 0, 2), -1.5), nn.ZeroPad2d(1), nn.AvgPool2d(2)), image),
        case("convolutions that pad by mode", nn.Sequential(nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect"), nn.Conv2d(2, 2, 3, padding=1, padding_mode="replicate")), image),
        case("pools", nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.AvgPool2d(2, 1)), image),
        case("a wave through gelu", nn.Sequential(nn.Conv1d(1, 2, 3, padding=1), nn.GELU(), nn.Conv1d(2, 2, 3, stride=2, padding=1), nn.GELU()), (1, 1, 12)),
        case("any batch, any size", nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.AdaptiveMaxPool2d(1)), image, input_names=["image"], output_names=["features"], dynamic_axes={"image": {0: "batch", 2: "height", 3: "width"}}),
        case("weights among the inputs", nn.Sequential(*bn), (2, 2, 8), keep_initializers_as_inputs=True, opset_version=9),
        case("weights as Constant nodes", nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU()), (2, 2, 8), export_params=True, do_constant_folding=False, opset_version=11),
    ]
    shared = nn.Conv1d(2, 2, 3, padding=1)
    cases.append(case("a layer used twice, its statistics shared", nn.Sequential(shared, nn.BatchNorm1d(2), shared, nn.BatchNorm1d(2, affine=False)), (1, 2, 6)))
    activations = [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.3), nn.ELU(0.5), nn.SELU(), nn.CELU(2.0), nn.GELU(), nn.SiLU(), nn.Mish(), nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.Softsign(), nn.Hardswish(), nn.Hardsigmoid(), nn.Hardtanh(-0.5, 1.25), nn.LogSigmoid()]
    for opset in 9, 16:
        for activation in activations:
            try:
                cases.append(case(f"{activation}, opset {opset}", activation, (2, 5), opset_version=opset))
            except torch.onnx.errors.UnsupportedOperatorError:
                pass
    lines = ",\n".join("    " + json.dumps(each) for each in cases)
    print(f'{{\n  "made": {json.dumps({"torch": torch.__version__})},\n  "cases": [\n{lines}\n  ]\n}}')


main()
