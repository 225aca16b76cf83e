// Gradients, by the engine's backward pass (backward.h).
import { check, collect, floats, post, raw } from "./engine.js";
import { ConvscopeError } from "./errors.js";
import { collectShape, make, type Native } from "./native.js";
import { torchSize, type NamedParameter } from "./parameters.js";
import { dataOf, fromData, sliceFloats, toTensor, type Tensor } from "./tensor.js";
import { sameShape, toLayerShape } from "./validate.js";

/** What {@link Layer.backward} answers: the gradient of the input, and of each parameter under its name. */
export interface Gradients {
  /** The gradient of the input, of the input's shape. */
  readonly input: Tensor;
  /** The gradients of parameters: `weight` and `bias`; in a Sequential `"0.weight"` … */
  readonly [parameter: string]: Tensor | null;
}

/** Asks the engine's layer, whose parameters are up to date. */
export function runBackward(
  native: Native,
  parameters: readonly NamedParameter[],
  x: unknown,
  gradOutput: unknown,
): Gradients {
  const input = toTensor(x, "x");
  const grad = toTensor(gradOutput, "gradOutput");
  const shape = toLayerShape(input.shape, "x");
  const engine = raw();
  const backward = make(() => {
    post(shape);
    return engine.makeBackward(native.raw, shape.length);
  });
  try {
    const outputShape = collectShape(engine.backwardBuffers(backward), 3);
    const [inputAt, gradAt, gradInput] = collect(3) as [number, number, number];
    if (!sameShape(outputShape, grad.shape)) {
      throw new ConvscopeError(
        "shape",
        `Mismatch in shape: grad_output[0] has a shape of ${torchSize(grad.shape)} and output[0] has a shape of ${torchSize(outputShape)}.`,
      );
    }
    floats().set(dataOf(input), inputAt / 4);
    floats().set(dataOf(grad), gradAt / 4);
    check(() => engine.backwardRun(backward));
    const gradients: Record<string, Tensor | null> = {};
    for (const [p, { name, parameter }] of parameters.entries()) {
      gradients[name] = fromData(
        sliceFloats(engine.backwardParameter(backward, p), parameter.tensor.size),
        parameter.shape,
      );
    }
    return { ...gradients, input: fromData(sliceFloats(gradInput, input.size), shape) };
  } finally {
    engine.deleteBackward(backward);
  }
}
