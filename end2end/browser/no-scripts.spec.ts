// Everything that is read, and every form, with scripts turned off.

import { createKey, expect, signIn, signUp, test, topUp, url } from "./harness.js";

test.use({ javaScriptEnabled: false });

test("home, models and a model's page are readable", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.getByRole("main").getByRole("link", { name: "Browse models" }).click();
  const rows = page.locator("table tbody tr:visible");
  const all = await rows.count();
  expect(all).toBeGreaterThanOrEqual(30);

  // The filter is a form that the server answers.
  await page.getByRole("searchbox", { name: "Search" }).fill("llama");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(page).toHaveURL(/[?&]q=llama/);
  const found = await rows.count();
  expect(found).toBeGreaterThan(0);
  expect(found).toBeLessThan(all);

  await rows.first().getByRole("link").first().click();
  await expect(page.locator("#slug")).toContainText("/");
  await expect(page.getByRole("main")).toContainText("$");
});

test("signing up, making a key, adding credit and signing out and in are plain forms", async ({ page }) => {
  const person = await signUp(page);
  const key = await createKey(page, "without scripts");
  const response = await fetch(`${url()}/api/v1/key`, { headers: { Authorization: `Bearer ${key}` } });
  expect(response.status).toBe(200);
  await topUp(page, 5);
  await page.goto("/activity");
  await expect(page.getByRole("main")).toContainText("Nothing generated yet");
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await page.goto("/sign-in");
  await signIn(page, person);
  await expect(page).toHaveURL(/\/keys$/);
  await expect(page.getByText("without scripts", { exact: true })).toBeVisible();
});

test("the theme is a form too", async ({ page }) => {
  await page.goto("/docs");
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page).toHaveURL(/\/docs$/);
  await expect(page.getByRole("button", { name: "Dark" })).toHaveAttribute("aria-pressed", "true");
});
