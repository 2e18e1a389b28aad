// Takes the README's picture again: `node end2end/screenshot.mjs [path] [file]`.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";

import { root, startServer } from "./server.mjs";

const [path = "/models", file = join(root, "docs/screenshot.png")] = process.argv.slice(2);
const [width = 1280, height = 800] = (process.env.SIZE ?? "").split("x").filter(Boolean).map(Number);
const system = "/usr/bin/chromium";
const server = await startServer();
const browser = await chromium.launch({
  ...(existsSync(system) ? { executablePath: system } : {}),
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  const page = await browser.newPage({
    viewport: { width, height },
    deviceScaleFactor: 1.5,
    colorScheme: process.env.THEME === "dark" ? "dark" : "light",
  });
  await page.goto(`${server.url}${path}`, { waitUntil: "networkidle" });
  await page.screenshot({ path: file });
} finally {
  await browser.close();
  const problems = await server.stop();
  for (const problem of problems) console.error(problem);
}
console.log(file);
