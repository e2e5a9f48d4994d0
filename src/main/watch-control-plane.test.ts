import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ProblemList } from "../admin/contract/control-plane.ts";
import { openMesh } from "../cli/mesh-client.ts";
import { ManualClock } from "../core/clock.ts";
import { problem } from "../core/problem.ts";
import { watchControlPlane } from "./watch-control-plane.ts";

test("watchControlPlane() tells what the control plane has found", { timeout: 30_000 }, async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-problems-"));
  const found = [problem("MLT1005", { message: "refused" })];
  const server = createServer((_request, response) => response.end(JSON.stringify(found)));
  await new Promise<void>((listening) => server.listen(join(directory, "control-plane.sock"), listening));
  context.after(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });
  const clock = new ManualClock();
  const told = new Promise<ProblemList>((resolve) => {
    context.after(watchControlPlane(openMesh({ MELTEMI_STATE_DIR: directory }), clock, resolve));
  });
  clock.advance(1_000);
  assert.deepEqual(await told, found);
});
