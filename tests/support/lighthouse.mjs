// Runs Lighthouse: `node lighthouse.mjs MODULES CHROMIUM FORM URL…`, and prints a line of JSON for each page.
// FORM is `mobile` (a slow phone on slow 4G, both simulated) or `desktop`.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, chromePath, form, ...urls] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(modules, name)).href);
const { default: lighthouse, desktopConfig } = await load("lighthouse/core/index.js");
const { launch } = await load("chrome-launcher/dist/index.js");

const CATEGORIES = ["performance", "accessibility", "best-practices"];
const METRICS = {
  fcp: "first-contentful-paint",
  lcp: "largest-contentful-paint",
  si: "speed-index",
  tbt: "total-blocking-time",
  cls: "cumulative-layout-shift",
};

/** What somebody who reads about a failed test wants to know. */
function summary(url, { categories, audits }) {
  const weighty = ["accessibility", "best-practices"].flatMap((name) => categories[name].auditRefs.filter((ref) => ref.weight > 0));
  const failed = weighty.map((ref) => audits[ref.id]).filter((audit) => audit.score !== null && audit.score < 1);
  const requests = audits["network-requests"].details.items.filter((item) => item.resourceType !== "WebSocket");
  const shifts = audits["layout-shifts"].details?.items ?? [];
  return {
    url,
    scores: Object.fromEntries(CATEGORIES.map((name) => [name, Math.round(categories[name].score * 100)])),
    failed: failed.map(({ id, title, details }) => `${id}: ${title} ${JSON.stringify(details?.items?.map((item) => item.node?.snippet ?? item) ?? [])}`),
    metrics: Object.fromEntries(Object.entries(METRICS).map(([name, id]) => [name, audits[id].numericValue])),
    blocking: (audits["render-blocking-insight"].details?.items ?? []).map((item) => item.url),
    shifts: shifts.map((item) => `${item.score.toFixed(4)} ${item.node?.snippet}`),
    fetched: requests.map(({ url, transferSize, priority }) => ({ url, bytes: transferSize, priority })),
  };
}

/** Audits a page; once more where the trace of the browser lacks its beginning, as Lighthouse asks for then. */
async function look(url, port, attempts = 3) {
  const flags = { port, logLevel: "error", onlyCategories: CATEGORIES, disableFullPageScreenshot: true };
  const { lhr } = await lighthouse(url, flags, form === "desktop" ? desktopConfig : undefined);
  const { code, message } = lhr.runtimeError ?? {};
  if (code === "NO_NAVSTART" && attempts > 1) return look(url, port, attempts - 1);
  if (code) throw new Error(`${url}: ${message}`);
  return lhr;
}

const chrome = await launch({ chromePath, logLevel: "silent", chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"] });
try {
  for (const url of urls) {
    console.log(JSON.stringify(summary(url, await look(url, chrome.port))));
  }
} finally {
  chrome.kill();
}
