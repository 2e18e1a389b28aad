// The ways in and out, and what happens at a closed door.

import { applyForAccount, expect, signIn, signUp, stranger, test, url } from "./harness.js";

test("signing out and in again", async ({ page }) => {
  const person = await signUp(page);
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();

  // A page behind the door leads to it, and from it back to the page.
  await page.goto("/activity");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await signIn(page, person);
  await expect(page).toHaveURL(/\/activity$/);
});

test("a wrong password and an unknown address get the same answer", async ({ page }) => {
  const person = await signUp(page);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Sign out" }).first().click();
  const answers: string[] = [];
  for (const guess of [{ ...person, password: "not the password" }, stranger()]) {
    await page.goto("/sign-in");
    await signIn(page, guess);
    const alert = page.getByRole("main").locator('[role="alert"], .field__error').first();
    await expect(alert).toBeVisible();
    answers.push((await alert.textContent()) ?? "");
    await expect(page.getByLabel("Email", { exact: true })).toHaveValue(guess.email);
    await expect(page.getByLabel("Password", { exact: true })).toHaveValue("");
  }
  expect(answers[0]).toBe(answers[1]);
});

test("guessing is throttled for the account, and the right password too", async ({ page }) => {
  const person = await signUp(page);
  const attempt = (password: string) =>
    page.request.post("/console/sign-in", {
      form: { email: person.email, password },
      headers: { Origin: url() },
      maxRedirects: 0,
    });
  for (let guess = 0; guess < 12; guess += 1) await attempt(`guess number ${guess}`);
  await page.context().clearCookies();
  await page.goto("/sign-in");
  await signIn(page, person);
  await expect(page.getByRole("alert")).toContainText(/again|wait|second|minute/i);
});

test("a password that is too short and an address that is taken are refused by name", async ({ page }) => {
  const person = stranger();
  await applyForAccount(page, { ...person, password: "short" });
  await expect(page.getByLabel("Password", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Email", { exact: true })).toHaveValue(person.email);

  await applyForAccount(page, person);
  await expect(page).toHaveURL(/\/keys$/);
  await page.context().clearCookies();
  await applyForAccount(page, person);
  await expect(page.getByRole("main")).toContainText(/already|taken|account/i);
  await expect(page).toHaveURL(/\/sign-up/);
});

test("a new password ends the other sessions and replaces the old", async ({ page, browser }) => {
  const person = await signUp(page);
  const elsewhere = await browser.newContext({ baseURL: url() });
  const other = await elsewhere.newPage();
  await other.goto("/sign-in");
  await signIn(other, person);
  await expect(other).toHaveURL(/\/keys$/);

  const password = `${person.password} anew`;
  await page.goto("/settings");
  await page.getByLabel("Current password").fill("not this one");
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByRole("main").locator('[role="alert"], .field__error').first()).toBeVisible();
  await page.getByLabel("Current password").fill(person.password);
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByRole("status")).toBeVisible();

  await other.goto("/keys");
  await expect(other).toHaveURL(/\/sign-in/);
  await elsewhere.close();
  await page.context().clearCookies();
  await page.goto("/sign-in");
  await signIn(page, { ...person, password });
  await expect(page).toHaveURL(/\/keys$/);
});

test("another site cannot make a signed-in browser do anything", async ({ page }) => {
  await signUp(page);
  for (const path of ["/console/keys/create", "/console/sign-out"]) {
    const response = await page.request.post(path, {
      form: { name: "planted" },
      headers: { Origin: "https://evil.example" },
      maxRedirects: 0,
    });
    expect(response.status(), path).toBe(403);
  }
  await page.goto("/keys");
  await expect(page.getByText("No key yet")).toBeVisible();
  await expect(page.getByText("planted")).toHaveCount(0);
});

test("the session's cookie is out of reach of scripts and other sites", async ({ page }) => {
  await signUp(page);
  const cookie = (await page.context().cookies()).find(({ name }) => name === "entrepot_session");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
  expect(await page.evaluate(() => document.cookie)).not.toContain("entrepot_session");
});

test("after signing in, a foreign address is not followed", async ({ page }) => {
  const person = await signUp(page);
  await page.context().clearCookies();
  for (const next of ["https://evil.example/", "//evil.example/", "/\\evil.example"]) {
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await signIn(page, person);
    await page.waitForURL((address) => !address.pathname.startsWith("/sign-in"));
    expect(new URL(page.url()).origin).toBe(url());
    await page.context().clearCookies();
  }
});

test("a form that is sent after its session ended says so, and leads back", async ({ page }) => {
  const person = await signUp(page);
  await page.goto("/keys");
  await page.getByLabel("Name", { exact: true }).fill("too late");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page).toHaveURL(/\/sign-in\?next=%2Fkeys$/);
  await expect(page.getByRole("status")).toContainText("was not accepted");
  await signIn(page, person);
  await expect(page).toHaveURL(/\/keys$/);
  await expect(page.getByText("No key yet")).toBeVisible();
});

test("who is signed in is not asked again", async ({ page }) => {
  await signUp(page);
  await page.goto("/sign-in?next=%2Fcredits");
  await expect(page).toHaveURL(/\/credits$/);
  await page.goto("/sign-up");
  await expect(page).toHaveURL(/\/keys$/);
});

test("what was written is quoted as it was written, and the focus is where it is corrected", async ({ page }) => {
  await signUp(page);
  await page.goto("/credits");
  const amount = page.getByLabel("Another amount, $");
  await amount.fill("abc");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.locator(".field__error")).toContainText("“abc” is not");
  await expect(amount).toBeFocused();
  await expect(amount).toHaveValue("abc");
});
