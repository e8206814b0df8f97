// Pages of two origins in a real browser, of which one may call the gateway. Reads GATEWAY (URL), TOKEN, ANCHOR,
// DESCRIPTORS (a file), PAGE (a file), MODULES (node_modules), PORT (of the page that may call) and CHROMIUM.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

const { GATEWAY, TOKEN, ANCHOR, DESCRIPTORS, PAGE, MODULES, PORT, CHROMIUM } = process.env;
const PATIENCE_MS = 50_000;
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json" };

/** Serves the page on a port of loopback; what it tells comes out of `told`. */
function serve(port) {
  let heard;
  const told = new Promise((resolve) => (heard = resolve));
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://page").pathname);
    const send = (body, type) => response.writeHead(200, { "content-type": type }).end(body);
    try {
      if (path === "/told") {
        let body = "";
        for await (const chunk of request) body += chunk;
        heard(JSON.parse(body));
        send("", "text/plain");
      } else if (path === "/given") {
        send(JSON.stringify({ gateway: GATEWAY, token: TOKEN, anchor: ANCHOR }), TYPES[".json"]);
      } else if (path === "/descriptors") {
        send(await readFile(DESCRIPTORS), "application/octet-stream");
      } else if (path.startsWith("/node_modules/")) {
        send(await readFile(join(MODULES, path.slice("/node_modules/".length))), TYPES[extname(path)] ?? "text/plain");
      } else if (path === "/") {
        send(await readFile(PAGE), TYPES[".html"]);
      } else {
        response.writeHead(404).end();
      }
    } catch (error) {
      response.writeHead(404).end(String(error));
    }
  });
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => resolve({ server, told, url: `http://127.0.0.1:${server.address().port}/` }));
  });
}

/** What a page at `port` sees. */
async function visit(port) {
  const { server, told, url } = await serve(port);
  const profile = await mkdtemp(join(tmpdir(), "tandem-page-"));
  const browser = spawn(CHROMIUM, [...FLAGS, `--user-data-dir=${profile}`, url], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let words = "";
  browser.stderr.on("data", (chunk) => (words = (words + chunk).slice(-4_000)));
  const gone = new Promise((resolve) => browser.once("exit", resolve));
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the page at ${url} says nothing: ${words}`)), PATIENCE_MS);
  });
  const ended = gone.then((code) => Promise.reject(new Error(`${CHROMIUM} ended with ${code}: ${words}`)));
  try {
    return await Promise.race([told, late, ended]);
  } finally {
    clearTimeout(timer);
    // The browser and all of its own processes.
    try {
      process.kill(-browser.pid, "SIGKILL");
    } catch {}
    await gone;
    ended.catch(() => {});
    server.closeAllConnections();
    server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function expect(condition, what, seen) {
  if (!condition) {
    console.error(`browser: ${what}: ${JSON.stringify(seen)}`);
    process.exit(1);
  }
}

const seen = await visit(Number(PORT));
expect(!seen.broken, "the page broke", seen);
expect(seen.good.items > 0, "a page that may call gets a list", seen);
expect(seen.stranger.code === "Unauthenticated", "a call without a token is refused", seen);
expect(seen.stranger.details.includes("google.rpc.ErrorInfo"), "a refusal has its details", seen);
expect(seen.nobody.code === "NotFound", "an unknown product is not found", seen);

const foreign = await visit(0);
expect(!foreign.broken, "the page broke", foreign);
expect(foreign.good.items === undefined && foreign.good.code === "Unknown", "a foreign page is kept out", foreign);
console.log("browser: gRPC-Web works from a page that may call, and from no other");
