"""Weights of a torch module out of its ONNX export, where quantization left the names alone."""

import numpy
import onnx
import torch
from onnx import numpy_helper

QUANTIZED = "_quantized"


def state_dict(path, renamed):
    """Every parameter in float32. The first of the beginnings that a name has becomes what `renamed` says.

    Vectors and tables keep their names in an export. Matrices have numbers for names, but the product in which one stands
    has its module's path: /encoder/layer.0/output/dense/MatMul. They lie transposed there.
    """
    graph = onnx.load(path).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    dequantizations = {
        node.output[0]: node.input[0] for node in graph.node
        if node.op_type in ("DequantizeLinear", "Cast") and node.input[0] in values}
    found = {}

    def value(name):
        if not name.endswith(QUANTIZED):
            return values[name].astype(numpy.float32)
        name = name.removesuffix(QUANTIZED)
        zero = numpy.asarray(values.get(name + "_zero_point", 0), numpy.float32)
        # One scale, or one for each of the last axis.
        return (values[name + QUANTIZED].astype(numpy.float32) - zero) * values[name + "_scale"].astype(numpy.float32)

    def put(name, array):
        old = next((old for old in renamed if name.startswith(old)), "")
        name = renamed.get(old, "") + name.removeprefix(old)
        found[name] = torch.tensor(numpy.ascontiguousarray(array))

    for name in values:
        if name.removesuffix(QUANTIZED).endswith((".weight", ".bias")):
            put(name.removesuffix(QUANTIZED), value(name))
    # DeBERTa's shared projections run twice: the second product, whose name ends in _1, is the more exact one.
    for node in sorted(graph.node, key=lambda node: "_proj_1/" in node.name):
        if node.op_type not in ("MatMul", "MatMulInteger"):
            continue
        matrix = dequantizations.get(node.input[1], node.input[1])
        if matrix in values:
            module = node.name.strip("/").rsplit("/", 1)[0].replace("_proj_1", "_proj").replace("/", ".")
            put(module + ".weight", value(matrix).T)
    return found
