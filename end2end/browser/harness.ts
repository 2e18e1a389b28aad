// What every browser test stands on: a page that may not complain, and the steps that several
// journeys share.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test as base, type Page } from "@playwright/test";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const url = () => {
  const address = process.env.ENTREPOT_URL;
  if (!address) throw new Error("ENTREPOT_URL is not set");
  return address;
};

type Fixtures = {
  /** Complaints that a test expects, such as the 404 that it asks for. */
  expectedComplaints: RegExp[];
};

/** Playwright's `test`, whose page fails the test when the browser's console complains. */
export const test = base.extend<Fixtures>({
  expectedComplaints: [[], { option: true }],
  baseURL: async ({}, use) => use(url()),
  page: async ({ page, expectedComplaints }, use) => {
    const complaints: string[] = [];
    page.on("console", (message) => {
      const text = message.text();
      const serious = message.type() === "error" || /hydrat|mismatch|violat/i.test(text);
      if (serious) complaints.push(`${message.type()}: ${text} (${message.location().url})`);
    });
    page.on("pageerror", (error) => complaints.push(`exception: ${error.stack ?? error.message}`));
    page.on("response", (response) => {
      if (response.status() >= 500) complaints.push(`${response.status()} from ${response.url()}`);
    });
    await use(page);
    const unexpected = complaints.filter((text) => !expectedComplaints.some((known) => known.test(text)));
    expect(unexpected, "the browser complained").toEqual([]);
  },
});

export { expect };

export type Person = { name: string; email: string; password: string };

let people = 0;

/** Somebody new, whom no other test and no other worker has made. */
export function stranger(): Person {
  people += 1;
  const tag = `${process.pid}-${Date.now().toString(36)}-${people}`;
  return { name: "Ada Tester", email: `ada-${tag}@example.com`, password: `long enough ${tag}` };
}

/** Fills in the sign-up form and sends it; what comes of it is for the test to say. */
export async function applyForAccount(page: Page, person: Person): Promise<void> {
  await page.goto("/sign-up");
  await page.getByLabel("Email", { exact: true }).fill(person.email);
  await page.getByLabel(/^Name/).fill(person.name);
  await page.getByLabel("Password", { exact: true }).fill(person.password);
  await page.getByRole("button", { name: "Make an account" }).click();
}

export async function signUp(page: Page, person: Person = stranger()): Promise<Person> {
  await applyForAccount(page, person);
  await expect(page).toHaveURL(/\/keys$/);
  await expect(page.getByRole("status")).toContainText("Welcome");
  return person;
}

export async function signIn(page: Page, person: Person): Promise<void> {
  if (!page.url().includes("/sign-in")) await page.goto("/sign-in");
  await page.getByLabel("Email", { exact: true }).fill(person.email);
  await page.getByLabel("Password", { exact: true }).fill(person.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
}

/** Creates a key on the keys page and returns the secret, which is shown this once. */
export async function createKey(page: Page, name: string): Promise<string> {
  await page.goto("/keys");
  const form = page.locator("form", { has: page.getByRole("button", { name: "Create key" }) });
  await form.getByLabel("Name", { exact: true }).fill(name);
  await form.getByRole("button", { name: "Create key" }).click();
  const secret = page.locator("#secret");
  await expect(secret).toHaveText(/^sk-ep-v1-[0-9a-f]{64}$/);
  return (await secret.textContent()) ?? "";
}

/** Gives the workspace sandbox credit, in whole dollars, by the form for an amount of one's own. */
export async function topUp(page: Page, dollars: number): Promise<void> {
  await page.goto("/credits");
  const form = page.locator("form", { has: page.getByLabel("Another amount, $") });
  await form.getByLabel("Another amount, $").fill(`${dollars}`);
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("row", { name: /Sandbox top-up/ }).first()).toContainText(`+$${dollars}.00`);
}

/** The figure under a caption, such as the balance. */
export async function fact(page: Page, caption: string): Promise<string> {
  const box = page.locator(".fact", { has: page.locator("dt", { hasText: new RegExp(`^${caption}$`) }) });
  return ((await box.locator("dd").textContent()) ?? "").trim();
}

/** Calls the API with a key and returns the parsed body of a 200. */
export async function api<T>(key: string, path: string): Promise<T> {
  const response = await fetch(`${url()}/api/v1${path}`, { headers: { Authorization: `Bearer ${key}` } });
  expect(response.status, path).toBe(200);
  return (await response.json()) as T;
}

/** Nano-dollars, exactly, from a decimal dollar text such as `$1,234.5678` or `0.000012`. */
export function nanos(text: string): bigint {
  const match = /(-|−)?\$?([0-9,]+)(?:\.([0-9]{1,9}))?/.exec(text.replace(/\s/g, ""));
  if (!match) throw new Error(`not an amount: ${text}`);
  const [, sign, whole, fraction = ""] = match;
  const value = BigInt(whole.replaceAll(",", "")) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
  return sign ? -value : value;
}

/** Asserts that axe finds nothing serious, in the light and in the dark. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Evaluated through the debugger, because the page's CSP rightly refuses a foreign script.
    await page.evaluate(axeSource);
    const violations = await page.evaluate(async () => {
      const axe = (globalThis as unknown as { axe: typeof import("axe-core") }).axe;
      const { violations } = await axe.run(document, { resultTypes: ["violations"] });
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((n) => n.target.join(" ")).slice(0, 5).join(" | ")}`);
    });
    expect(violations, `${page.url()} (${colorScheme})`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

/** Asserts that no cell of a table is narrower than what stands in it. */
export async function expectCellsFit(page: Page): Promise<void> {
  const crowded = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("td, .fact")]
      .filter((cell) => cell.scrollWidth > cell.clientWidth + 1)
      .map((cell) => cell.textContent?.trim()),
  );
  expect(crowded, `${page.url()} has cells that do not fit`).toEqual([]);
}

/** Asserts that nothing makes the page scroll sideways. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const { content, window } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  expect(content, `${page.url()} is wider than the window`).toBeLessThanOrEqual(window);
}
