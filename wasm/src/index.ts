/**
 * convscope: PyTorch's convolution family in WebAssembly, reproducible to the bit, and open to the question which output
 * reads which input.
 *
 * @packageDocumentation
 */
export { engine, init, type Engine, type InitOptions, type MathMode } from "./engine.js";
export type { Build, WasmSource } from "./load.js";
export { ConvscopeError, type ErrorCode } from "./errors.js";
export { manualSeed } from "./random.js";
export { IntTensor, Tensor, type Nested } from "./tensor.js";
export { arange, full, ones, rand, randn, tensor, zeros, type NumberArray } from "./creation.js";
export { Cells, type Product } from "./cells.js";
export { Layer, type AxisField, type FieldStep } from "./layer.js";
export type { Gradients } from "./backward.js";
export {
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvGradients,
} from "./conv.js";
export type {
  ConvOptions,
  ConvTransposeOptions,
  Ints,
  OutputSizeOptions,
  PaddingMode,
  PaddingName,
  PaddingSides,
} from "./conv-options.js";
export type { Explanation, Term } from "./explain.js";
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  type AdaptiveAvgPoolOptions,
  type AdaptiveMaxPoolOptions,
  type AvgPool1dOptions,
  type AvgPoolOptions,
  type MaxPoolOptions,
  type MaxPoolOutput,
  type OutputSize,
} from "./pool.js";
export {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
  type ConstantPadOptions,
  type PadOptions,
} from "./pad.js";
export { Fold, Unfold, type FoldOptions, type UnfoldOptions } from "./fold.js";
export {
  CELU,
  ELU,
  GELU,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  LogSigmoid,
  Mish,
  ReLU,
  ReLU6,
  SELU,
  Sigmoid,
  SiLU,
  Softplus,
  Softsign,
  Tanh,
  type CELUOptions,
  type ELUOptions,
  type GELUOptions,
  type HardtanhOptions,
  type LeakyReLUOptions,
  type SoftplusOptions,
} from "./activation.js";
export { Sequential } from "./sequential.js";
export {
  F,
  type FConvOptions,
  type FConvTransposeOptions,
  type FPadOptions,
} from "./functional.js";
export { toOnnx } from "./onnx-write.js";
export { fromPyTorch, toPyTorch } from "./pytorch.js";
export type { Bytes } from "./bytes.js";
export type { DType } from "./dtype.js";
export { loadNpy, saveNpy, type NpyOptions } from "./npy.js";
export { loadNpz, saveNpz } from "./npz.js";
export {
  loadSafetensors,
  safetensorsMetadata,
  saveSafetensors,
  type SafetensorsOptions,
} from "./safetensors.js";
export { Plan, type PlanOptions } from "./plan.js";
export {
  ChangedCells,
  Sensitivity,
  watch,
  Watch,
  type Change,
  type Edit,
  type Replacement,
  type Target,
} from "./watch.js";
