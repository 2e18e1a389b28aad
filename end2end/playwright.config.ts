import { existsSync } from "node:fs";
import { defineConfig, devices } from "@playwright/test";

// A system browser is preferred to Playwright's own download, which not every machine can fetch.
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => existsSync(path),
);

const launchOptions = {
  ...(chromium ? { executablePath: chromium } : {}),
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
  ],
};

const ci = process.env.CI === "1" || process.env.CI === "true";

export default defineConfig({
  testDir: "browser",
  // Starts a server when `run.mjs` has not already done so.
  globalSetup: "./global-setup.ts",
  forbidOnly: ci,
  // A test that needs a second try is a bug in the test or in the product.
  retries: 0,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  outputDir: "test-results/browser",
  reporter: [["list"]],
  use: {
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    locale: "en-GB",
    timezoneId: "UTC",
    launchOptions,
  },
  projects: [
    { name: "desktop", use: { ...devices["Desktop Chrome"], viewport: { width: 1280, height: 800 } } },
    { name: "phone", use: { ...devices["Pixel 7"] } },
  ],
});
