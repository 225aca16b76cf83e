// Names that the page and what runs beside it share.

/** The cache that page and service worker share. */
export const CACHE = "convscope-1";

/** The engine's file: of the two builds the one that every browser runs, and the smaller one. */
export const ENGINE = "convscope.simd.wasm";
