// The service worker: keeps what the page needs, so that it opens without a network.
// Fresh files win; the kept ones step in where the network fails. So a new version
// shows at once, and nothing is ever half old.
/// <reference lib="webworker" />
import { CACHE } from "./offline.js";

declare const self: ServiceWorkerGlobalScope;

/** Everything but the engine, by build.mjs. */
declare const FILES: readonly string[];
const KEPT = /\.(?:wasm|js|css|svg|woff2|png)$/u;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([...FILES])));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  event.respondWith(answer(request, url));
});

async function answer(request: Request, url: URL): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(request);
    if (fresh.ok && (KEPT.test(url.pathname) || request.mode === "navigate")) {
      await cache.put(keyOf(request, url), fresh.clone());
    }
    return fresh;
  } catch (error) {
    const kept = await cache.match(keyOf(request, url));
    if (kept) return kept;
    throw error;
  }
}

/** "?embed" and the like are the same page. */
function keyOf(request: Request, url: URL): string | Request {
  return request.mode === "navigate" ? "./" : url.origin + url.pathname;
}
