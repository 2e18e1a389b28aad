// Starts the binary for every suite: `node run.mjs [browser|node|python]…`.
// Counts go to the file that ENTREPOT_TALLY names, one line a suite.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { root, startServer } from "./server.mjs";

const here = join(root, "end2end");
const results = join(here, "test-results");

/** A JUnit file's counts. Every runner here can write one, so there is one way to count. */
function count(file) {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const xml = readFileSync(file, "utf8");
  const tests = (xml.match(/<testcase\b/g) ?? []).length;
  const failed = (xml.match(/<(failure|error)\b/g) ?? []).length;
  const skipped = (xml.match(/<skipped\b/g) ?? []).length;
  return { passed: tests - failed - skipped, failed, skipped };
}

const SUITES = {
  python: (junit) => [
    join(here, ".venv/bin/python"),
    ["-m", "pytest", "sdk/python", "-q", "-p", "no:cacheprovider", `--junitxml=${junit}`],
  ],
  node: (junit) => [
    process.execPath,
    [
      "--test",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=junit",
      `--test-reporter-destination=${junit}`,
      ...readdirSync(join(here, "sdk/node"))
        .filter((file) => file.endsWith(".test.mjs"))
        .sort()
        .map((file) => `sdk/node/${file}`),
    ],
  ],
  browser: () => [join(here, "node_modules/.bin/playwright"), ["test", "--reporter=list,junit"]],
};

/**
 * What a suite's server is set to besides. Programs get answers at once, from providers that do not
 * fail by chance (`speed` 0); a person in a browser gets life-like ones.
 */
const SETTINGS = {
  python: { ENTREPOT__SANDBOX__SPEED: "0" },
  node: { ENTREPOT__SANDBOX__SPEED: "0" },
  browser: {},
};

async function runSuite(name, server) {
  const junit = join(results, `${name}.xml`);
  rmSync(junit, { force: true });
  const [command, args] = SUITES[name](junit);
  const child = spawn(command, args, {
    cwd: here,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      ENTREPOT_URL: server.url,
      ENTREPOT_API_KEY: server.apiKey,
      PLAYWRIGHT_JUNIT_OUTPUT_FILE: junit,
    },
  });
  const [code] = await once(child, "exit");
  const counts = count(junit);
  // A runner that fails outside a test (a syntax error, say) must not look like a pass.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.passed + counts.failed === 0) counts.failed = 1;
  return counts;
}

const chosen = process.argv.slice(2);
for (const name of chosen) {
  if (!(name in SUITES)) {
    console.error(`no suite is called ${name}; there are: ${Object.keys(SUITES).join(", ")}`);
    process.exit(2);
  }
}
const names = chosen.length > 0 ? chosen : Object.keys(SUITES);

mkdirSync(results, { recursive: true });
let failures = 0;
function tally(name, { passed, failed, skipped }) {
  failures += failed;
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (process.env.ENTREPOT_TALLY) {
    appendFileSync(process.env.ENTREPOT_TALLY, `${name} ${passed} ${failed} ${skipped}\n`);
  }
}

const problems = [];
for (const name of names) {
  const server = await startServer({ extra: SETTINGS[name] });
  console.log(`Testing ${server.url} (${name})`);
  tally(name, await runSuite(name, server));
  problems.push(...(await server.stop()));
}

// The last test of all: every server stopped when asked, and its books balance.
for (const problem of problems) console.error(problem);
tally("shutdown-and-audit", { passed: problems.length === 0 ? 1 : 0, failed: problems.length, skipped: 0 });
process.exit(failures === 0 ? 0 : 1);
