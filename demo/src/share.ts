// Share: a stage as text, for the address. link.ts reads it.
import type { Tensor } from "convscope";
import { shortest } from "./format.js";
import type { Link } from "./link.js";
import type { Slices } from "./slices.js";
import type { Follower, Ints, Mode, Stage } from "./state.js";

export function toHash(
  stage: Stage,
  lesson: Link["lesson"] = null,
  mode: Mode = "explore",
  slices: Slices = {},
): string {
  const { args } = stage;
  const parts = new Map<string, string>();
  if (lesson) parts.set("lesson", `${lesson.id}.${lesson.step}`);
  if (mode !== "explore") parts.set("view", mode);
  parts.set("layer", `${args.transposed ? "ConvTranspose" : "Conv"}${args.axes}d`);
  parts.set("in", String(args.inChannels));
  parts.set("out", String(args.outChannels));
  parts.set("k", ints(args.kernelSize));
  parts.set("s", ints(args.stride));
  parts.set("p", typeof args.padding === "string" ? args.padding : ints(args.padding));
  parts.set("op", ints(args.outputPadding));
  parts.set("d", ints(args.dilation));
  parts.set("g", String(args.groups));
  parts.set("mode", args.paddingMode);
  const shown = Object.entries(slices).filter(([, at]) => (at ?? 0) > 0);
  if (args.axes === 3 && shown.length > 0)
    parts.set("at", shown.map(([place, at]) => `${place}:${at}`).join(","));
  if (stage.followers.length > 0) parts.set("then", stage.followers.map(followerText).join(";"));
  stage.followers.forEach((follower, i) => {
    if (follower.kind !== "Conv") return;
    if (follower.weight) parts.set(`w${i + 1}`, numbers(follower.weight));
    if (follower.bias) parts.set(`b${i + 1}`, numbers(follower.bias));
  });
  parts.set("x", numbers(stage.input));
  parts.set("w", numbers(stage.weight));
  if (stage.bias) parts.set("b", numbers(stage.bias));
  return [...parts].map(([key, value]) => `${key}=${value}`).join("&");
}

function followerText(follower: Follower): string {
  switch (follower.kind) {
    case "ReLU":
      return "ReLU";
    case "Conv":
      return `Conv.${follower.outChannels}.${follower.kernelSize}`;
    default:
      return `${follower.kind}.${follower.kernelSize}`;
  }
}

const ints = (value: Ints): string => (typeof value === "number" ? String(value) : value.join("x"));

/** "1x3x4:1,-2,3,…" */
function numbers(values: Tensor): string {
  return `${values.shape.join("x")}:${[...values.data].map(shortest).join(",")}`;
}
