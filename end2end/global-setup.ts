import { startServer } from "./server.mjs";

/** Starts a server for `npx playwright test`; returns its teardown. */
export default async function globalSetup(): Promise<(() => Promise<void>) | void> {
  if (process.env.ENTREPOT_URL) return;
  const server = await startServer();
  process.env.ENTREPOT_URL = server.url;
  process.env.ENTREPOT_API_KEY = server.apiKey;
  return async () => {
    const problems = await server.stop();
    if (problems.length > 0) throw new Error(problems.join("\n"));
  };
}
