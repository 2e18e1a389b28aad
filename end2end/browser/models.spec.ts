// Finding a model: search and filters answer at once, and the address remembers them.

import { expect, test, url } from "./harness.js";

type Listed = { data: { id: string; name: string }[] };

const rows = "table tbody tr:visible";

test("searching filters without a reload, and the address keeps it", async ({ page }) => {
  const { data } = (await (await fetch(`${url()}/api/v1/models`)).json()) as Listed;
  const [author, name] = data[0]!.id.split("/") as [string, string];
  await page.goto("/models");
  const all = await page.locator(rows).count();
  expect(all).toBeGreaterThanOrEqual(30);
  await page.evaluate(() => ((globalThis as unknown as { kept: boolean }).kept = true));

  const search = page.getByRole("searchbox", { name: "Search" });
  // The script that listens may still be loading, so the first try may be in vain.
  await expect(async () => {
    await search.fill("");
    await search.pressSequentially(name);
    await expect.poll(() => page.locator(rows).count(), { timeout: 1_000 }).toBeLessThan(all);
  }).toPass();
  await expect(page).toHaveURL(new RegExp(`[?&]q=${name.replaceAll(".", "\\.")}`));
  await expect(page.locator(rows).first()).toContainText(`${author}/`);
  expect(await page.evaluate(() => (globalThis as unknown as { kept?: boolean }).kept)).toBe(true);
  const found = await page.locator(rows).count();
  await expect(page.locator("#model-count")).toHaveText(new RegExp(`^${found} model`));

  // The server answers the same address with the same rows.
  await page.reload();
  await expect(search).toHaveValue(name);
  await expect(page.locator(rows)).toHaveCount(found);

  // The way back from a model leads to the same list.
  await page.locator(rows).first().getByRole("link").first().click();
  await expect(page).toHaveURL(/\/models\/[^?]+\/[^?]+$/);
  await page.goBack();
  await expect(search).toHaveValue(name);
  await expect(page.locator(rows)).toHaveCount(found);
});

test("a search without a match says so and offers the way out", async ({ page }) => {
  await page.goto("/models?q=zzzz-no-such-model");
  await expect(page.locator(rows)).toHaveCount(0);
  await page.getByRole("link", { name: "Show every model" }).click();
  expect(await page.locator(rows).count()).toBeGreaterThanOrEqual(30);
});

test("the order by price is an order", async ({ page }) => {
  await page.goto("/models?sort=price-low");
  const texts = await page.locator(`${rows} [data-label="Input /M"]`).allTextContents();
  const prices = texts.map((text) => (text.trim() === "free" ? 0 : Number(text.replace(/[$,]/g, ""))));
  expect(prices.length).toBeGreaterThanOrEqual(30);
  expect(prices.every((price) => Number.isFinite(price))).toBe(true);
});

test("absurd filters are harmless", async ({ page }) => {
  for (const query of ["?max_price=-1", "?context=99999999999999999999", "?sort=nonsense", `?q=${"x".repeat(3000)}`, "?q=%00%ff", "?author=<script>alert(1)</script>"]) {
    const response = await page.goto(`/models${query}`);
    expect(response!.status(), query.slice(0, 40)).toBeLessThan(500);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Models");
  }
});

test("a model's page shows its endpoints, prices and a call to copy", async ({ page }) => {
  const { data } = (await (await fetch(`${url()}/api/v1/models`)).json()) as Listed;
  const slug = data[0]!.id;
  await page.goto(`/models/${slug}`);
  await expect(page.locator("#slug")).toHaveText(slug);
  await expect(page.getByRole("main")).toContainText("/api/v1/chat/completions");
  const response = await fetch(`${url()}/api/v1/models/${slug}/endpoints`);
  const { data: model } = (await response.json()) as { data: { endpoints: { provider_name: string }[] } };
  expect(model.endpoints.length).toBeGreaterThan(0);
  for (const endpoint of model.endpoints) {
    await expect(page.getByRole("main")).toContainText(endpoint.provider_name);
  }
});
