// Later lessons: those after the first, loaded when one of them is opened.
import type { Content } from "./lessons.js";

export const LATER: readonly Content[] = [
  {
    id: "kernel-size",
    layers: [9],
    intro:
      "With `kernel_size=2` each window spans two moments, so neighbouring outputs share cells.",
    steps: [
      {
        task: "Four moments, but only three outputs: a window of two fits in three places. Point at `y[0, 1]`.",
        goal: { kind: "point", role: "output", index: [0, 1] },
        found: "Two moments of three channels: six products and the bias.",
        prints: 9,
      },
      {
        task: "Set `x[1, 0]` to 5.",
        goal: { kind: "edit", target: "input", index: [1, 0], value: 5 },
        found: "Still one output: only the first window covers the first moment.",
        prints: 11,
      },
      {
        task: "The input is as it was. Now set `x[1, 1]` to 2.5. How many outputs will change?",
        fresh: true,
        goal: { kind: "edit", target: "input", index: [1, 1], value: 2.5 },
        found: "Two. The second moment lies in the first window and in the second.",
        prints: 13,
      },
    ],
  },
  {
    id: "stride",
    layers: [15],
    intro:
      "Stride is how far the window moves from one output to the next. With `stride=2` and `kernel_size=2` windows do not overlap.",
    steps: [
      {
        task: "Point at `y[0, 1]`. Its window begins two moments after that of `y[0, 0]`.",
        goal: { kind: "point", role: "output", index: [0, 1] },
        found: "No cell is read twice, and half as many outputs come out.",
        prints: 15,
      },
      {
        task: "Set `x[1, 1]` to 2.5, as before.",
        goal: { kind: "edit", target: "input", index: [1, 1], value: 2.5 },
        found: "Only one output this time: the windows no longer share the cell.",
        prints: 17,
      },
    ],
  },
  {
    id: "conv2d",
    layers: [21],
    intro:
      "`Conv2d` reads `(channels, height, width)`. The same 12 numbers are now one channel: a small grey picture.",
    steps: [
      {
        task: "The window now also moves down. Point at `y[0, 1, 2]`, the last output.",
        goal: { kind: "point", role: "output", index: [0, 1, 2] },
        found:
          "A square of 2 × 2 cells. It fits in 2 × 3 places: the output's shape is `(1, 2, 3)`.",
        prints: 22,
      },
      {
        task: "Point at `x[0, 1, 1]`, in the middle of the picture. Which outputs read it?",
        goal: { kind: "point", role: "input", index: [0, 1, 1] },
        found: "Four: one for each place of the kernel that it can lie under.",
      },
    ],
  },
  {
    id: "in-channels",
    layers: [21],
    intro:
      "The layer's `in_channels` must be the input's first size. Here that is 1, as for a grey picture; it would be 3 for red, green and blue.",
    steps: [
      {
        task: "Ask for `in_channels=3` and read what PyTorch says.",
        goal: { kind: "refused", args: { inChannels: 3 } },
        found:
          "The weight has 3 input channels, the input has 1. The message shows the input with a batch of one in front.",
      },
      {
        task: "Go back with the button in the message.",
        goal: { kind: "back" },
        found: "Nothing was lost: the last valid layer is still here.",
        prints: 22,
      },
    ],
  },
  {
    id: "out-channels",
    layers: [21, 24],
    intro: "Each output channel has a kernel and a bias of its own, and looks at the same input.",
    steps: [
      {
        task: "Set `out_channels` to 2.",
        goal: { kind: "args", args: { outChannels: 2 } },
        found: "A second kernel, and a second plane of output.",
        prints: 25,
      },
      {
        task: "Set the first weight of the second kernel, `weight[1, 0, 0, 0]`, to 0.",
        goal: { kind: "edit", target: "weight", index: [1, 0, 0, 0], value: 0 },
        found: "Its own channel changed. The first channel never reads it.",
      },
    ],
  },
  {
    id: "rectangles",
    layers: [26, 28],
    intro: "A kernel need not be square: `kernel_size=(2, 3)` is 2 cells high and 3 wide.",
    steps: [
      {
        task: "Point at `y[0, 0, 0]` and see the window's form.",
        goal: { kind: "point", role: "output", index: [0, 0, 0] },
        found: "3 rows less 2 plus 1 gives 2; 4 columns less 3 plus 1 gives 2.",
        prints: 27,
      },
      {
        task: "Now make `kernel_size` 3 on both axes.",
        goal: { kind: "args", args: { kernelSize: [3, 3] } },
        found: "A window as high as the picture can only move sideways.",
        prints: 29,
      },
    ],
  },
  {
    id: "conv1d-is-conv2d",
    layers: [28],
    intro:
      "A window as high as the input moves in one direction only. That is what a `Conv1d` does with its channels.",
    steps: [
      {
        task: "Point at `y[0, 0, 1]`. It reads every row: the rows could as well be the channels of a `Conv1d` with `kernel_size=3`.",
        goal: { kind: "point", role: "output", index: [0, 0, 1] },
        found:
          "`Conv1d` with kernel X on `(R, C)` is `Conv2d` with kernel `(R, X)` on `(1, R, C)`: the same products, the same sum.",
        prints: 29,
      },
    ],
  },
  {
    id: "stride-2d",
    layers: [30],
    intro:
      "A 3 × 3 window on 3 × 4 cells, moved by 2: from the second place it would stick out at the right.",
    steps: [
      {
        task: "So there is just one output. Point at `x[0, 0, 3]`, in the last column.",
        goal: { kind: "point", role: "input", index: [0, 0, 3] },
        found: "No window reaches it. Cells that nobody reads are hatched.",
        prints: 31,
      },
      {
        task: "Then the last column might as well be gone. Set the input's width to 3.",
        goal: { kind: "inputShape", shape: [1, 3, 3] },
        found: "The same number, to the last digit.",
        prints: 33,
      },
    ],
  },
  {
    id: "no-padding",
    layers: [37],
    intro: "A kernel larger than one cell has fewer places than the input has cells.",
    steps: [
      {
        task: "Point at `y[0, 0, 0]`: 3 × 4 cells shrink to 1 × 2.",
        goal: { kind: "point", role: "output", index: [0, 0, 0] },
        found: "The border cells are read less often than those in the middle.",
        prints: 38,
      },
    ],
  },
  {
    id: "padding",
    layers: [37, 41],
    intro: "Padding puts cells round the input so that the window can begin earlier and end later.",
    steps: [
      {
        task: "Set `padding` to 1.",
        goal: { kind: "args", args: { padding: 1 } },
        found: "The output is as large as the input again. Padding cells hold 0.",
        prints: 42,
      },
      {
        task: "Point at `y[0, 0, 0]` and look at its sum.",
        goal: { kind: "point", role: "output", index: [0, 0, 0] },
        found: "Five of the nine products are with padding, and add nothing.",
        prints: 42,
      },
    ],
  },
  {
    id: "before-dilation",
    layers: [45],
    intro: "One more 2 × 2 kernel, to compare with: its four weights lie on neighbouring cells.",
    steps: [
      {
        task: "Point at `weight[0, 0, 0, 1]`: it joins each output with one input.",
        goal: { kind: "point", role: "weight", index: [0, 0, 0, 1] },
        found: "Six outputs, six pairs. Every weight is used by all outputs of its channel.",
        prints: 46,
      },
    ],
  },
  {
    id: "dilation",
    layers: [45, 49],
    intro: "Dilation spreads the kernel: its weights lie that many cells apart.",
    steps: [
      {
        task: "Set `dilation` to 2.",
        goal: { kind: "args", args: { dilation: 2 } },
        found: "2 × 2 weights now span 3 × 3 cells, so the output is 1 × 2.",
        prints: 50,
      },
      {
        task: "Point at `y[0, 0, 0]` and see the holes.",
        goal: { kind: "point", role: "output", index: [0, 0, 0] },
        found: "Four cells with a gap between: a wider view for the same number of weights.",
        prints: 50,
      },
      {
        task: "Set `x[0, 0, 1]`, which lies in such a hole, to 9. Will `y[0, 0, 0]` change?",
        goal: { kind: "edit", target: "input", index: [0, 0, 1], value: 9 },
        found: "It does not: it never reads that cell. The other output does.",
      },
    ],
  },
];
