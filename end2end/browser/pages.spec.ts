// What holds for every page: readable, reachable, as wide as the window, silent in the console.

import { expect, expectAccessible, expectCellsFit, expectNoSidewaysScroll, signUp, createKey, test, topUp, url } from "./harness.js";

const PUBLIC = ["/", "/models", "/docs", "/sign-in", "/sign-up"];
const CONSOLE = ["/keys", "/credits", "/activity", "/settings"];

async function firstModel(): Promise<string> {
  const response = await fetch(`${url()}/api/v1/models`);
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data[0]!.id;
}

test.describe("public pages", () => {
  for (const path of [...PUBLIC, "a model"]) {
    test(`${path} is accessible and fits`, async ({ page }) => {
      const response = await page.goto(path === "a model" ? `/models/${await firstModel()}` : path);
      expect(response?.status()).toBe(200);
      await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
      await expect(page).toHaveTitle(/Entrepot/);
      await expect(page.locator("html")).toHaveAttribute("lang", "en");
      await expectNoSidewaysScroll(page);
      await expectCellsFit(page);
      await expectAccessible(page);
    });
  }
});

test("console pages are accessible and fit, empty and filled", async ({ page }) => {
  await signUp(page);
  for (const filled of [false, true]) {
    if (filled) {
      await topUp(page, 1);
      const key = await createKey(page, "a key with a rather long name that has to fit somewhere");
      // The page that shows a secret is a page too.
      await expectNoSidewaysScroll(page);
      await expectAccessible(page);
      await fetch(`${url()}/api/v1/chat/completions`, {
        method: "POST",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
        body: JSON.stringify({ model: await firstModel(), max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }),
      });
    }
    for (const path of CONSOLE) {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
      await expectNoSidewaysScroll(page);
      await expectCellsFit(page);
      await expectAccessible(page);
    }
  }
});

test.describe("what is not there", () => {
  test.use({ expectedComplaints: [/404/] });

  test("an unknown page is a 404 that leads on", async ({ page }) => {
    const response = await page.goto("/no-such-page");
    expect(response?.status()).toBe(404);
    await expect(page.getByRole("main").getByRole("link", { name: "Models" })).toBeVisible();
    await expectAccessible(page);
  });

  test("an unknown model is a 404 with what is near", async ({ page }) => {
    const known = await firstModel();
    const response = await page.goto(`/models/${known}x`);
    expect(response?.status()).toBe(404);
    await expect(page.getByRole("main").getByRole("link", { name: "Every model" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText(known);
  });
});

test.describe("a list that cannot be continued", () => {
  test.use({ expectedComplaints: [/400/] });

  test("a cursor that was tampered with leads back to the list", async ({ page }) => {
    await signUp(page);
    for (const path of ["/activity", "/credits"]) {
      const response = await page.goto(`${path}?after=tampered`);
      expect(response?.status()).toBe(400);
      await expect(page.getByRole("main").getByRole("link")).toHaveAttribute("href", path);
    }
  });
});

test("every page can be walked with the keyboard", async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the contents" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();

  // Each stop has a visible mark, and the walk ends: nothing traps the focus.
  await page.goto("/sign-up");
  const seen = new Set<string>();
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement | null;
      if (!element || element === document.body) return null;
      const style = getComputedStyle(element);
      return {
        what: element.id || element.textContent || element.tagName,
        marked: style.outlineStyle !== "none" || style.boxShadow !== "none",
      };
    });
    if (!stop) break;
    expect(stop.marked, `no focus mark on ${stop.what}`).toBe(true);
    seen.add(stop.what.trim());
  }
  for (const name of ["email", "name", "password", "Make an account"]) expect([...seen]).toContain(name);
});

test("the theme is chosen and kept", async ({ page }) => {
  await page.goto("/");
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const theme = page.getByRole("form", { name: "Theme" });
  await theme.getByRole("button", { name: "Light" }).click();
  await expect(theme.getByRole("button", { name: "Light" })).toHaveAttribute("aria-pressed", "true");
  const light = await background();
  await theme.getByRole("button", { name: "Dark" }).click();
  await expect(theme.getByRole("button", { name: "Dark" })).toHaveAttribute("aria-pressed", "true");
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  await page.goto("/models");
  expect(await background()).toBe(dark);
});

test("answers carry a strict policy", async ({ page }) => {
  const response = await page.goto("/");
  const headers = response!.headers();
  const policy = headers["content-security-policy"] ?? "";
  expect(policy).toContain("default-src");
  expect(policy).toMatch(/script-src [^;]*'nonce-/);
  expect(policy).not.toMatch(/script-src[^;]*'unsafe-inline'/);
  expect(policy).not.toMatch(/script-src[^;]*'unsafe-eval'/);
  expect(policy).toMatch(/frame-ancestors 'none'/);
  expect(headers["x-content-type-options"]).toBe("nosniff");
  expect(headers["referrer-policy"]).toBeTruthy();
});

test("fonts are asked for once", async ({ page }) => {
  await page.goto("/");
  const font = await page.locator('link[rel="preload"][as="font"]').first().getAttribute("href");
  const response = await page.request.get(font!);
  expect(response.headers()["cache-control"]).toContain("immutable");
});

test("copying works where the browser offers no clipboard", async ({ page }) => {
  // As behind plain http on another machine.
  await page.addInitScript(() => {
    Object.defineProperty(window, "isSecureContext", { get: () => false });
    Object.defineProperty(navigator, "clipboard", { get: () => undefined });
  });
  await page.goto(`/models/${await firstModel()}`);
  const copy = page.locator(".slug-line .copy-button");
  await expect(async () => {
    await copy.click();
    await expect(copy).not.toHaveText("Copy", { timeout: 500 });
  }).toPass();
  const slug = await page.locator("#slug").textContent();
  expect(await page.evaluate(() => getSelection()?.toString())).toBe(slug);
});
