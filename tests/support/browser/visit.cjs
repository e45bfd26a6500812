// Visits the pages of one API in a headless browser, as a person would, and prints what was seen.
//
//   node visit.cjs REQUEST       with NODE_PATH at the folder that holds playwright-core
//
// REQUEST is JSON: {"url", "token", "executable", "directory"}; screenshots go to the directory.
// The last visit is through a proxy that serves the API below a prefix, and removes it.
"use strict";

const http = require("node:http");
const path = require("node:path");
const { chromium } = require("playwright-core");

const PREFIX = "/below/a/prefix";
const WAIT_MS = 60_000;
const { url, token, executable, directory } = JSON.parse(process.argv[2]);

function proxy() {
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith(`${PREFIX}/`)) return response.writeHead(404).end();
    const { method, headers } = request;
    const upstream = http.request(url + request.url.slice(PREFIX.length), { method, headers });
    upstream.on("response", (found) => {
      response.writeHead(found.statusCode, found.headers);
      found.pipe(response);
    });
    return request.pipe(upstream);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

// Opens a page that notes what it complains of and asks for, each under the step of then.
async function open(browser) {
  const page = await browser.newPage();
  const seen = { step: "", complaints: [], requests: [] };
  page.setDefaultTimeout(WAIT_MS);
  page.on("console", (line) => {
    if (line.type() !== "log") seen.complaints.push([seen.step, line.text()]);
  });
  page.on("pageerror", (error) => seen.complaints.push([seen.step, String(error)]));
  page.on("request", (request) => seen.requests.push(request.url()));
  return { page, seen };
}

async function go(visit, step, address) {
  visit.seen.step = step;
  const reply = await visit.page.goto(address, { waitUntil: "networkidle" });
  return { status: reply.status(), title: await visit.page.title() };
}

// What there is to see: the number of colours, and the share of pixels not of the commonest one.
async function look(browser, visit, name) {
  const file = path.join(directory, `${name}.png`);
  const image = (await visit.page.screenshot({ path: file })).toString("base64");
  const page = await browser.newPage();
  const result = await page.evaluate(async (source) => {
    const bytes = Uint8Array.from(atob(source), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const counts = new Map();
    for (const pixel of new Uint32Array(data.buffer)) {
      counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    }
    const commonest = Math.max(...counts.values());
    return { colours: counts.size, drawn: 1 - commonest / (data.length / 4) };
  }, image);
  await page.close();
  return result;
}

async function give(visit, step, given) {
  visit.seen.step = step;
  await visit.page.fill("#token", given);
  await visit.page.click("#use-token");
  await visit.page.waitForSelector("#use-token:enabled");
}

// Of a list as long as this one only what is in view is there: look at it from its start to its end.
async function scrollThrough(page, isEnough) {
  await page.evaluate(() => scrollTo(0, 0));
  for (let last = -1, at = 0; at !== last; ) {
    await page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
    if (await isEnough()) return;
    last = at;
    at = await page.evaluate(() => (scrollBy(0, innerHeight / 2), scrollY));
  }
}

async function listed(page) {
  const found = new Set();
  await scrollThrough(page, async () => {
    const blocks = page.locator(".opblock");
    for (const id of await blocks.evaluateAll((all) => all.map((one) => one.id))) found.add(id);
    return false;
  });
  return found.size;
}

// Operations are listed, and one of them is tried.
async function tryCall(visit) {
  const { page } = visit;
  await page.waitForSelector(".opblock");
  const operations = await listed(page);
  visit.seen.step = "call";
  const block = page.locator(".opblock", { hasText: "/api/v2/caller-identity" });
  await scrollThrough(page, async () => (await block.count()) > 0);
  await block.locator(".opblock-summary-control").click();
  await block.getByRole("button", { name: "Try it out" }).click();
  const [request] = await Promise.all([
    page.waitForRequest((one) => one.url().endsWith("/api/v2/caller-identity")),
    block.getByRole("button", { name: "Execute" }).click(),
  ]);
  const status = await block.locator(".live-responses-table .response-col_status").last();
  return {
    operations,
    called: request.url(),
    authorization: (await request.allHeaders()).authorization,
    status: (await status.textContent()).trim(),
  };
}

async function kept(page) {
  const stored = await page.evaluate(() => ({ ...localStorage, ...sessionStorage }));
  const field = await page.inputValue("#token");
  return { stored, field, address: page.url(), cookies: await page.context().cookies() };
}

async function atRoot(browser) {
  const visit = await open(browser);
  const landing = await go(visit, "landing", `${url}/`);
  landing.look = await look(browser, visit, "landing");
  visit.seen.step = "docs";
  await visit.page.click("a[href=docs]");
  await visit.page.waitForSelector("#token:visible");
  const documentation = { look: await look(browser, visit, "docs") };
  const message = visit.page.locator("#message");
  await give(visit, "wrong token", `${token}x`);
  documentation.wrong = await message.textContent();
  await give(visit, "token", token);
  documentation.right = await message.textContent();
  Object.assign(documentation, await tryCall(visit), { kept: await kept(visit.page) });
  documentation.operationsLook = await look(browser, visit, "operations");
  visit.seen.step = "inline style"; // shows that what the policy forbids would be complained of
  await visit.page.evaluate(() => document.body.setAttribute("style", "color: red"));
  return { landing, documentation, seen: visit.seen };
}

async function belowPrefix(browser) {
  const server = await proxy();
  try {
    const base = `http://127.0.0.1:${server.address().port}${PREFIX}`;
    const visit = await open(browser);
    await go(visit, "landing", `${base}/`);
    await visit.page.click("a[href=docs]");
    await give(visit, "token", token);
    return { base, documentation: await tryCall(visit), seen: visit.seen };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function main() {
  let browser;
  try {
    browser = await chromium.launch({ executablePath: executable });
  } catch (error) {
    const library = /loading shared libraries: ([^:]+):/.exec(error.message)?.[1];
    const why = library ? `this machine has no ${library}` : error.message;
    process.stderr.write(`the browser ${executable} cannot start: ${why}\n`);
    process.exitCode = 1;
    return;
  }
  try {
    const found = { root: await atRoot(browser), prefixed: await belowPrefix(browser) };
    process.stdout.write(`${JSON.stringify(found)}\n`);
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
