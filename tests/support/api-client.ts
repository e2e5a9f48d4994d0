// For tests: an API server and a client of it, both gone when the test ends.

import type { TestContext } from "node:test";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { TestApiServer } from "./api-server.ts";

export async function startTestApi(t: TestContext, clock: Clock = systemClock) {
  const server = new TestApiServer();
  await server.start();
  const client = createApiClient(server.endpoint(), { clock, userAgent: "test" });
  t.after(async () => {
    client.close();
    await server.stop();
  });
  return { server, client };
}
