/** The cache that page and service worker share. */
export const CACHE = "convscope-1";
