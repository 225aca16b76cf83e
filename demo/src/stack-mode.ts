// Stack mode: all that the page needs for a stack and for nothing else. Loaded when the mode is
// first entered, or a link holds a stack.
export * from "./stack.js";
export * from "./stack-views.js";
export { lineageSlices } from "./stack-slices.js";
