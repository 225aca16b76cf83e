#!/usr/bin/env python3
"""Writes onnx.json: ONNX models as the onnx package writes them, with an input and what ONNX's reference implementation
makes of it.

    python3 make_onnx.py > onnx.json

The models say the same things in the ways that exporters have: weights as raw bytes, lists, 16-bit floats or Constant
nodes; padding as attribute or input; auto_pad; older operator sets.
"""

import base64
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

random = np.random.default_rng(7)


def text(content):
    return base64.b64encode(content).decode()


def array(*shape):
    return (random.integers(-8, 9, shape) / 4).astype("f4")


def raw(name, values):
    return numpy_helper.from_array(values, name)


def listed(name, values, kind=TensorProto.FLOAT):
    return helper.make_tensor(name, kind, values.shape, values.flatten().tolist())


def model(nodes, constants, shape, opset=17, inputs=()):
    made = unchecked(nodes, constants, shape, None, opset, inputs)
    (y,) = ReferenceEvaluator(made).run(None, {"x": np.zeros(shape, "f4")})
    made = unchecked(nodes, constants, shape, y.shape, opset, inputs)
    onnx.checker.check_model(made)
    return made


def unchecked(nodes, constants, shape, output_shape, opset, inputs):
    graph = helper.make_graph(
        nodes,
        "part",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape), *inputs],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, output_shape)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def case(name, nodes, constants, shape, **options):
    made = model(nodes, constants, shape, **options)
    x = array(*shape)
    (y,) = ReferenceEvaluator(made).run(None, {"x": x})
    y = np.asarray(y, "<f4")
    return {
        "name": name,
        "model": text(made.SerializeToString()),
        "shape": list(shape),
        "input": text(x.tobytes()),
        "outputShape": list(y.shape),
        "output": text(y.tobytes()),
    }


node = helper.make_node


def constant(name, values):
    return node("Constant", [], [name], value=numpy_helper.from_array(values, name))


def main():
    w, b = array(4, 3, 3, 3), array(4)
    conv = node("Conv", ["x", "w", "b"], ["y"], kernel_shape=[3, 3], pads=[1, 0, 2, 1], strides=[2, 1])
    image = (2, 3, 7, 6)
    value = helper.make_tensor_value_info("w", TensorProto.FLOAT, w.shape)
    cases = [
        case("raw weights", [conv], [raw("w", w), raw("b", b)], image),
        case("weights in lists", [conv], [listed("w", w), listed("b", b)], image),
        case("weights in Constant nodes", [constant("w", w), constant("b", b), conv], [], image),
        case("constants among the inputs", [conv], [raw("w", w), raw("b", b)], image, inputs=[value]),
        case("no kernel_shape, no bias, groups", [node("Conv", ["x", "w"], ["y"], group=3)], [raw("w", array(6, 1, 2, 3))], image),
        case("an empty name for the bias", [node("Conv", ["x", "w", ""], ["y"], dilations=[2, 1])], [raw("w", w)], image),
    ]
    for rule in "SAME_UPPER", "SAME_LOWER", "VALID":
        rule_conv = node("Conv", ["x", "w"], ["y"], auto_pad=rule, strides=[2, 3], kernel_shape=[3, 3])
        # Sizes that the reference does not round against the operator's documentation.
        cases.append(case(f"auto_pad {rule}", [rule_conv], [raw("w", w)], image if rule == "VALID" else (2, 3, 8, 6)))
    up = {"kernel_shape": [3, 2], "strides": [2, 3], "dilations": [1, 2]}
    w_up = array(3, 2, 3, 2)
    cases += [
        case("one axis", [node("Conv", ["x", "w"], ["y"], pads=[2, 2])], [raw("w", array(2, 1, 3))], (1, 1, 8)),
        case("three axes", [node("Conv", ["x", "w"], ["y"])], [raw("w", array(2, 1, 2, 1, 2))], (1, 1, 3, 4, 5)),
        case("transposed", [node("ConvTranspose", ["x", "w"], ["y"], pads=[1, 0, 1, 0], output_padding=[1, 2], **up)], [raw("w", w_up)], image),
        case("transposed, more off the end", [node("ConvTranspose", ["x", "w"], ["y"], pads=[0, 0, 1, 2], **up)], [raw("w", w_up)], image),
        case("transposed, less off the end", [node("ConvTranspose", ["x", "w"], ["y"], pads=[1, 1, 0, 0], **up)], [raw("w", w_up)], image),
        case("max pool", [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 2], pads=[1, 1, 1, 1], strides=[2, 1])], [], image),
        case("max pool, uneven padding", [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], pads=[0, 1, 1, 0])], [], image),
        case("average pool", [node("AveragePool", ["x"], ["y"], kernel_shape=[2, 3], pads=[1, 1, 1, 1])], [], image),
        case("average pool that counts padding", [node("AveragePool", ["x"], ["y"], kernel_shape=[2, 3], pads=[0, 1, 1, 0], count_include_pad=1)], [], image),
        case("global pools", [node("GlobalAveragePool", ["x"], ["y"])], [], image),
        case("a global maximum", [node("GlobalMaxPool", ["x"], ["y"])], [], image),
        case("padding as an attribute", [node("Pad", ["x"], ["y"], mode="reflect", pads=[0, 0, 1, 2, 0, 0, 3, 1])], [], image, opset=10),
        case("a padding value as an attribute", [node("Pad", ["x"], ["y"], pads=[0, 0, 1, 2, 0, 0, 3, 1], value=-1.5)], [], image, opset=10),
        case("padding as an input", [node("Pad", ["x", "p", "v"], ["y"])], [raw("p", np.array([0, 0, 1, 0, 0, 0, 0, 2])), raw("v", np.array(2.5, "f4"))], image),
        case("padding as a list, edge", [node("Pad", ["x", "p"], ["y"], mode="edge")], [listed("p", np.array([0, 0, 0, 1, 0, 0, 2, 0]), TensorProto.INT64)], image),
        case("bounds as attributes", [node("Clip", ["x"], ["y"], min=-0.5, max=1.25)], [], image, opset=10),
        case("bounds as inputs", [node("Clip", ["x", "low", "high"], ["y"])], [raw("low", np.array(0, "f4")), raw("high", np.array(6, "f4"))], image),
        case("one bound", [node("Clip", ["x", "", "high"], ["y"])], [raw("high", np.array(1, "f4"))], image),
    ]
    half = w.astype("f2")
    widened = [node("Identity", ["x"], ["i"]), node("Conv", ["i", "w"], ["y"])]
    for kind, dtype in (TensorProto.FLOAT16, "f2"), (TensorProto.DOUBLE, "f8"), (TensorProto.BFLOAT16, None):
        made = model(widened, [raw("w", w)], image)
        x = array(*image)
        (y,) = ReferenceEvaluator(made).run(None, {"x": x})
        for name, tensor in (
            ("raw", raw("w", w.astype(dtype)) if dtype else None),
            ("list", helper.make_tensor("w", kind, w.shape, half.flatten().astype("f4").tolist())),
        ):
            if tensor is None:
                continue
            # The weights are small multiples of 1/4: every type holds them.
            made.graph.initializer[0].CopyFrom(tensor)
            cases.append({
                "name": f"weights of type {TensorProto.DataType.Name(kind)}, {name}",
                "model": text(made.SerializeToString()), "shape": list(image), "input": text(x.tobytes()),
                "outputShape": list(y.shape), "output": text(np.asarray(y, "<f4").tobytes()),
            })
    for op, attributes, opset in [
        ("Relu", {}, 17), ("Sigmoid", {}, 17), ("Tanh", {}, 17), ("Softplus", {}, 17), ("Softsign", {}, 17), ("HardSwish", {}, 17), ("Mish", {}, 18),
        ("LeakyRelu", {}, 17), ("LeakyRelu", {"alpha": 0.3}, 17), ("Elu", {"alpha": 0.5}, 17), ("Celu", {"alpha": 2.0}, 17), ("Selu", {}, 17),
        ("Gelu", {}, 20), ("Gelu", {"approximate": "tanh"}, 20), ("HardSigmoid", {"alpha": 1 / 6}, 17),
    ]:
        cases.append(case(f"{op} {attributes or ''}", [node(op, ["x"], ["y"], **attributes)], [], (2, 5), opset=opset))
    silu = [node("Conv", ["x", "w"], ["a"]), node("Sigmoid", ["a"], ["g"]), node("Mul", ["g", "a"], ["s"]), node("Dropout", ["s"], ["y"])]
    cases.append(case("x times its sigmoid", silu, [raw("w", w)], image))
    more = model(
        [node("Conv", ["x", "w"], ["a"]), node("Relu", ["a"], ["b"]), node("Softmax", ["b"], ["c"]), node("Sigmoid", ["c"], ["d"])],
        [raw("w", array(2, 1, 3))],
        (1, 1, 8),
    )
    lines = ",\n".join("    " + json.dumps(each) for each in cases)
    print(f'{{\n  "made": {json.dumps({"onnx": onnx.__version__})},\n  "more": {json.dumps(text(more.SerializeToString()))},\n  "cases": [\n{lines}\n  ]\n}}')


main()
