#!/usr/bin/env python3
"""Writes files.json: .npy, .npz and .safetensors files as NumPy and the safetensors package write them.

    python3 make_files.py > files.json

Each case holds a file (base64) and what is in it: name, shape and the values as float32 (base64, little-endian), rounded
by NumPy. "saved" cases are what saveNpy and saveSafetensors must write, byte for byte, from those float32 values.
"""

import base64
import io
import json

import numpy as np
import safetensors

FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def text(content):
    return base64.b64encode(content).decode()


def tensor(array):
    return {"shape": list(array.shape), "values": text(array.astype("<f4").tobytes())}


def npy(array, version=(1, 0)):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def npz(save, arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def values(dtype):
    """What is hard about a type: its ends, its smallest steps, and ties between two float32."""
    if dtype == "bool":
        return np.array([True, False, False, True, True, False])
    if dtype in FLOATS:
        info = np.finfo(dtype)
        list_ = [0.0, -0.0, 1, -2.5, 1 / 3, info.max, info.min, info.tiny, info.smallest_subnormal, np.inf, -np.inf, np.nan]
        if dtype == "float64":
            list_ += [1 + 2.0**-24, 1 + 2.0**-24 + 2.0**-52, 1 + 3 * 2.0**-24, 2.0**-149, 2.0**-150, 1e300, 16777217]
        return np.array(list_, dtype)
    info = np.iinfo(dtype)
    list_ = [0, 1, 2, 100, info.max, info.min, info.max - 1]
    if info.bits == 64:
        list_ += [2**24 + 1, 2**53 + 1, 2**60 + 2**36, 2**60 + 2**36 + 1, 2**62 + 2**38 - 1, 2**54 + 2**30 + 1]
        if info.min < 0:
            list_ += [-(2**60) - 2**36 - 1, -(2**60) - 2**36, -(2**53) - 1, -(2**52) - 1]
    return np.array(list_, dtype)


def halves():
    """float32 numbers around what a float16 can hold: ties, subnormal ones, too large ones."""
    grid = [2048, 2049, 2051, 65503, 65504, 65519.996, 65520, 65536, 1e30, 1 + 2.0**-11, 1 + 3 * 2.0**-11]
    grid += [2.0**-14, 2.0**-14 - 2.0**-25, 2.0**-24, 2.0**-25, 2.0**-25 * 1.0000001, 3 * 2.0**-25, 2.0**-149, 0.0]
    grid += [np.inf, np.nan]
    return np.array(grid + [-x for x in grid[:-1]], "<f4")


def main():
    cases = {"npy": [], "npz": [], "safetensors": [], "npySaved": [], "safetensorsSaved": []}
    everything = FLOATS + INTEGERS + ["bool"]
    with np.errstate(over="ignore"):
        for dtype in everything:
            array = values(dtype)
            for order in "<>":
                ordered = array.astype(array.dtype.newbyteorder(order))
                name = f"{dtype}, {'little' if order == '<' else 'big'} endian"
                cases["npy"].append({"name": name, "file": text(npy(ordered)), **tensor(array)})
        for shape in [(), (1,), (0,), (2, 0, 3), (2, 3), (3, 1, 4), (2, 3, 4, 2)]:
            count = int(np.prod(shape))
            array = np.arange(count, dtype="<f4").reshape(shape) - 3
            for fortran in (False, True):
                laid = np.asarray(array, order="F" if fortran else "C")
                if fortran and len(shape) > 1:
                    big = np.asfortranarray(array.astype(">i2"))
                    cases["npy"].append({"name": f"shape {shape}, Fortran, big-endian int16", "file": text(npy(big)), **tensor(array)})
                name = f"shape {shape}, {'Fortran' if fortran else 'C'} order"
                cases["npy"].append({"name": name, "file": text(npy(laid)), **tensor(array)})
                options = {"fortranOrder": fortran and len(shape) > 1 and count > 0 and max(shape) < count}
                if options["fortranOrder"] == laid.flags.fnc:
                    cases["npySaved"].append({"name": name, "file": text(npy(laid)), "options": options, **tensor(array)})
        for version in (2, 0), (3, 0):
            array = np.linspace(-1, 1, 7, dtype="<f4")
            cases["npy"].append({"name": f"version {version}", "file": text(npy(array, version)), **tensor(array)})
        for dtype in everything:
            source = halves() if dtype == "float16" else values(dtype).astype("<f4")
            if dtype in INTEGERS:
                # What of float32 is in the type's range.
                info = np.iinfo(dtype)
                source = source[(source >= info.min) & (source < 2.0 ** (info.bits - (info.min < 0)))]
            saved = npy(source.astype(np.dtype(dtype).newbyteorder("<")))
            cases["npySaved"].append({"name": dtype, "file": text(saved), "options": {"dtype": dtype}, **tensor(source)})

    arrays = {
        "weight": np.arange(24, dtype="<f4").reshape(2, 3, 4),
        "bias": np.array([0.5, -1], "<f8"),
        "größe": np.array(7, ">i8"),
        "nothing": np.zeros((0, 2), "f4"),
        "mask": np.asfortranarray(np.eye(5, dtype=bool)),
        # Long matches, short ones, and none: every kind of code in deflate.
        "wave": np.round(np.sin(np.arange(3000) / 7) * 8).astype("<f4"),
        "noise": np.random.default_rng(1).integers(0, 256, 700, dtype="u1"),
    }
    for save in (np.savez, np.savez_compressed):
        cases["npz"].append({"name": save.__name__, "file": text(npz(save, arrays)), "arrays": {k: tensor(a) for k, a in arrays.items()}})

    for dtype in everything:
        array = values(dtype)
        file = safetensors.serialize({"x": {"dtype": dtype, "shape": array.shape, "data": array.tobytes()}})
        cases["safetensors"].append({"name": dtype, "file": text(file), "arrays": {"x": tensor(array)}})
    # bfloat16 is the upper half of a float32.
    words = np.array([0, 0x8000, 0x3F80, 0xC020, 0x7F80, 0xFF80, 0x7FC0, 1, 0x7F7F], "<u2")
    array = (words.astype("<u4") << 16).view("<f4")
    file = safetensors.serialize({"x": {"dtype": "bfloat16", "shape": array.shape, "data": words.tobytes()}})
    cases["safetensors"].append({"name": "bfloat16", "file": text(file), "arrays": {"x": tensor(array)}})
    cases["safetensorsSaved"].append({"name": "bfloat16", "file": text(file), "options": {"dtype": "bfloat16"}, "arrays": {"x": tensor(array)}})
    arrays = {
        "0.weight": np.arange(12, dtype="<f4").reshape(2, 1, 2, 3),
        "0.bias": np.array([1, np.nan], "<f4"),
        "scalar": np.array(3, "<f4"),
        "empty": np.zeros((0, 4), "<f4"),
        "Ärger \"2\"": np.array([[-0.0]], "<f4"),
    }
    several = {k: {"dtype": "float32", "shape": a.shape, "data": a.tobytes()} for k, a in arrays.items()}
    for metadata in None, {"format": "pt"}:
        case = {
            "name": f"several tensors, metadata {metadata}",
            "file": text(safetensors.serialize(several, metadata)),
            "metadata": metadata or {},
            "options": {"metadata": metadata} if metadata else {},
            "arrays": {k: tensor(a) for k, a in arrays.items()},
        }
        cases["safetensors"].append(case)
        cases["safetensorsSaved"].append(case)
    mixed = {
        "a": {"dtype": "uint8", "shape": (3,), "data": bytes([1, 2, 255])},
        "b": {"dtype": "float16", "shape": (1,), "data": np.array([1.5], "<f2").tobytes()},
        "c": {"dtype": "int64", "shape": (1,), "data": np.array([-9], "<i8").tobytes()},
    }
    arrays = {"a": np.array([1, 2, 255.0]), "b": np.array([1.5]), "c": np.array([-9.0])}
    cases["safetensors"].append({"name": "mixed types", "file": text(safetensors.serialize(mixed)), "arrays": {k: tensor(a) for k, a in arrays.items()}})

    made = {"numpy": np.__version__, "safetensors": safetensors.__version__}
    body = ",\n".join(
        f'  {json.dumps(kind)}: [\n' + ",\n".join("    " + json.dumps(case, ensure_ascii=False) for case in list_) + "\n  ]"
        for kind, list_ in cases.items()
    )
    print("{\n" + f'  "made": {json.dumps(made)},\n{body}\n' + "}")


main()
