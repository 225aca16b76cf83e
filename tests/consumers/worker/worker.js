import { answer } from "./app.js";

answer().then(
  (value) => postMessage(value),
  (error) => postMessage(String(error)),
);
