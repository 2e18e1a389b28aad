// The whole product, once: from a stranger to a generation that is paid for.

import OpenAI from "openai";
import { api, createKey, expect, expectAccessible, fact, nanos, signUp, test, topUp, url } from "./harness.js";

type Credits = { data: { total_credits: number; total_usage: number } };
type Generation = { data: { id: string; model: string; total_cost: number; tokens_prompt: number } };

test("a stranger signs up, makes a key, calls the API, and sees what it cost", async ({ page }) => {
  await signUp(page);
  const key = await createKey(page, "journey");

  // The secret is shown once.
  await page.reload();
  await expect(page.locator("#secret")).toHaveCount(0);
  await expect(page.getByText("journey", { exact: true })).toBeVisible();

  const client = new OpenAI({ baseURL: `${url()}/api/v1`, apiKey: key, maxRetries: 0 });
  let model = "";
  for await (const candidate of client.models.list()) {
    const pricing = (candidate as unknown as { pricing: { completion: string } }).pricing;
    if (Number(pricing.completion) > 0) {
      model = candidate.id;
      break;
    }
  }
  expect(model).not.toBe("");
  const messages = [{ role: "user" as const, content: "Name three harbours." }];

  // Without credit nothing is served, and nothing is charged.
  const refusal = await client.chat.completions
    .create({ model, messages, max_tokens: 100 })
    .then(() => null, (error: unknown) => error);
  expect(refusal).toBeInstanceOf(OpenAI.APIError);
  expect((refusal as InstanceType<typeof OpenAI.APIError>).status).toBe(402);

  await topUp(page, 5);
  expect(await fact(page, "Balance")).toBe("$5.00");

  const stream = await client.chat.completions.create({
    model,
    messages,
    max_tokens: 100,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let chunks = 0;
  let id = "";
  let streamedCost = 0;
  for await (const chunk of stream) {
    chunks += 1;
    id = chunk.id;
    text += chunk.choices[0]?.delta?.content ?? "";
    if (chunk.usage) streamedCost = (chunk.usage as unknown as { cost: number }).cost;
  }
  expect(text.length).toBeGreaterThan(0);
  expect(chunks).toBeGreaterThan(2);
  const whole = await client.chat.completions.create({ model, messages, max_tokens: 30 });

  // What the API says about them, what the list says, and what each page says, agree exactly.
  const costs: bigint[] = [];
  for (const generation of [id, whole.id]) {
    const record = await api<Generation>(key, `/generation?id=${generation}`);
    const cost = nanos(record.data.total_cost.toFixed(9));
    expect(cost).toBeGreaterThan(0n);
    costs.push(cost);
    await page.goto("/activity");
    const row = page.getByRole("row").filter({ has: page.locator(`a[href="/activity/${generation}"]`) });
    await expect(row).toBeVisible();
    expect(nanos((await row.locator('[data-label="Cost"]').textContent()) ?? "")).toBe(cost);
    await row.getByRole("link").click();
    await expect(page.locator("#generation-id")).toHaveText(generation);
    expect(nanos(await fact(page, "Cost"))).toBe(cost);
    expect(await fact(page, "Tokens in")).not.toBe("0");
  }
  expect(costs[0]).toBe(nanos(streamedCost.toFixed(9)));
  await expectAccessible(page);

  const spent = costs[0]! + costs[1]!;
  await page.goto("/credits");
  expect(nanos(await fact(page, "Balance"))).toBe(5_000_000_000n - spent);
  const credits = await api<Credits>(key, "/credits");
  expect(nanos(credits.data.total_credits.toFixed(9))).toBe(5_000_000_000n);
  expect(nanos(credits.data.total_usage.toFixed(9))).toBe(spent);

  // The statement adds up to the balance.
  const changes = await page.locator('[data-label="Change"]').allTextContents();
  const sum = changes.map((change) => nanos(change.replace("+", ""))).reduce((a, b) => a + b, 0n);
  expect(sum).toBe(5_000_000_000n - spent);

  // The keys page knows what the key has spent.
  await page.goto("/keys");
  const spentByKey = page.locator(".key").filter({ hasText: "journey" }).locator("dd").first();
  expect(nanos((await spentByKey.textContent()) ?? "")).toBe(spent);
});

test("a key can be renamed, limited, disabled, enabled and deleted", async ({ page }) => {
  await signUp(page);
  const key = await createKey(page, "first name");
  const status = async () =>
    (await fetch(`${url()}/api/v1/key`, { headers: { Authorization: `Bearer ${key}` } })).status;
  expect(await status()).toBe(200);

  const row = page.locator(".key").first();
  const manage = async () => {
    await page.goto("/keys");
    await row.locator("summary").first().click();
  };
  await manage();
  await row.getByLabel("Name", { exact: true }).fill("second name");
  await row.getByRole("button", { name: "Rename" }).click();
  await expect(row.getByText("second name", { exact: true })).toBeVisible();

  await manage();
  await row.getByLabel("Spending limit, $").fill("0.50");
  await row.getByLabel("Resets").selectOption("daily");
  await row.getByRole("button", { name: "Set limit" }).click();
  await expect(row).toContainText("$0.50");
  await expect(row).toContainText("every day");
  const described = await api<{ data: { limit: number; limit_remaining: number } }>(key, "/key");
  expect(described.data.limit).toBe(0.5);
  expect(described.data.limit_remaining).toBe(0.5);

  await manage();
  await row.getByLabel("Spending limit, $").fill("a lot");
  await row.getByRole("button", { name: "Set limit" }).click();
  await expect(row.getByLabel("Spending limit, $")).toHaveAttribute("aria-invalid", "true");
  await expect(row.getByLabel("Spending limit, $")).toHaveValue("a lot");

  await manage();
  await row.getByRole("button", { name: "Disable" }).click();
  await expect(row.getByText("disabled", { exact: true })).toBeVisible();
  expect([401, 403]).toContain(await status());

  await manage();
  await row.getByRole("button", { name: "Enable" }).click();
  await expect(page.getByRole("status")).toContainText("accepted again");
  expect(await status()).toBe(200);

  await manage();
  await row.getByText("Delete…").click();
  await row.getByRole("button", { name: /for good/ }).click();
  await expect(page.getByText("No key yet")).toBeVisible();
  expect(await status()).toBe(401);
});

test("sending the same top-up twice adds it once", async ({ page }) => {
  await signUp(page);
  await page.goto("/credits");
  const requestId = await page.locator('input[name="request_id"]').first().inputValue();
  for (let again = 0; again < 2; again += 1) {
    const response = await page.request.post("/console/credits/sandbox-top-up", {
      form: { request_id: requestId, amount: "20" },
      headers: { Origin: url() },
    });
    expect(response.ok()).toBe(true);
  }
  await page.goto("/credits");
  expect(await fact(page, "Balance")).toBe("$20.00");
});
