// A page's script: puts the answer, or why there is none, where the test looks.
import { answer } from "./app.js";

answer().then(
  (value) => (globalThis.answer = value),
  (error) => (globalThis.answer = String(error)),
);
