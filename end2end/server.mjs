// Starts the real binary for tests: a free port, a data directory of its own, the sandbox
// providers, and an environment that carries none of the caller's settings or credentials.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;

export function binary() {
  const path = resolve(root, process.env.ENTREPOT_BIN ?? "target/debug/entrepot");
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw new Error(`${path} does not exist; run: cargo build -p server`);
  }
  return path;
}

/** A port that was free a moment ago. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

function environment(dataDir, port) {
  const inherited = ["PATH", "HOME", "TMPDIR", "RUST_LOG", "RUST_BACKTRACE"];
  const kept = Object.fromEntries(
    inherited.filter((name) => process.env[name]).map((name) => [name, process.env[name]]),
  );
  return {
    ...kept,
    ENTREPOT__HTTP__ADDRESS: `127.0.0.1:${port}`,
    ENTREPOT__DATA__DIR: dataDir,
  };
}

/** Runs the binary to its end and returns what it said. */
export async function entrepot(args, env) {
  const child = spawn(binary(), args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (bytes) => (output += bytes));
  child.stderr.on("data", (bytes) => (output += bytes));
  const [code] = await once(child, "close");
  return { code, output };
}

/**
 * Starts `entrepot serve` and waits until it is ready.
 *
 * The answer has `url`, `apiKey` (from the line that the first start prints), `lines` (all of
 * standard output) and `stop()`, which ends the server as an operator would, audits its books
 * and removes its data. `stop()` returns what went wrong, if anything did.
 */
export async function startServer({ logs = "inherit", extra = {} } = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), "entrepot-end2end-"));
  const port = await freePort();
  const env = { ...environment(dataDir, port), ...extra };
  const child = spawn(binary(), ["serve"], { cwd: root, env, stdio: ["ignore", "pipe", logs] });
  const ended = once(child, "exit");
  const lines = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));

  const url = `http://127.0.0.1:${port}`;
  const apiKey = () => lines.map((line) => /^API key: (sk-ep-v1-[0-9a-f]{64})$/.exec(line)?.[1]).find(Boolean);
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`entrepot ended before it was ready:\n${lines.join("\n")}`);
    }
    if (apiKey() && (await isReady(url))) break;
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`entrepot was not ready within ${READY_WITHIN_MS} ms:\n${lines.join("\n")}`);
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }

  async function stop() {
    const problems = [];
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
    const [code, signal] = await ended;
    clearTimeout(timer);
    if (code !== 0) problems.push(`entrepot ended with ${signal ?? `code ${code}`} on SIGTERM`);
    const audit = await entrepot(["audit-ledger"], env);
    if (audit.code !== 0) problems.push(`audit-ledger found something:\n${audit.output}`);
    rmSync(dataDir, { recursive: true, force: true });
    return problems;
  }

  return { url, apiKey: apiKey(), lines, pid: child.pid, dataDir, env, stop };
}

async function isReady(url) {
  try {
    const response = await fetch(`${url}/health/ready`);
    return response.status === 200;
  } catch {
    return false; // Not listening yet.
  }
}
