import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { openMesh } from "./mesh-client.ts";
import { lockState } from "./state-lock.ts";

async function meshThatAnswers(context: TestContext, answer: RequestListener) {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-mesh-"));
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(join(directory, "supervisor.sock"), listening));
  context.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });
  return openMesh({ MELTEMI_STATE_DIR: directory });
}

test("openMesh() asks over the socket and reads JSON", async (context) => {
  const mesh = await meshThatAnswers(context, (request, response) =>
    response.end(JSON.stringify([request.url])),
  );
  assert.deepEqual(await mesh.get("supervisor", "/pods", { namespace: "a b", pod: undefined }), [
    "/pods?namespace=a+b",
  ]);
});

test("openMesh() passes on what the mesh says is wrong", async (context) => {
  const mesh = await meshThatAnswers(context, (_request, response) => {
    response.writeHead(404).end('{"error":"There is no pod \\"x\\"","hint":"look again"}');
  });
  await assert.rejects(mesh.get("supervisor", "/logs"), {
    exitCode: 1,
    message: 'There is no pod "x"',
    hint: "look again",
  });
});

test("openMesh() says how to start a mesh that isn't running", async () => {
  const mesh = openMesh({ MELTEMI_STATE_DIR: "/nowhere" });
  await assert.rejects(mesh.get("control-plane", "/proxies"), {
    exitCode: 4,
    message: 'Cannot reach mesh "default": it isn\'t running',
    hint: "start it: meltemi up DIR",
  });
});

test("openMesh() tells a mesh without its control plane from none", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-mesh-"));
  context.after(() => rm(directory, { recursive: true }));
  await lockState(directory, "default");
  const mesh = openMesh({ MELTEMI_STATE_DIR: directory });
  await assert.rejects(mesh.get("control-plane", "/proxies"), {
    exitCode: 4,
    message: 'Cannot reach the control plane of mesh "default": it isn\'t running',
  });
});

test("openMesh().lines() gives each line until the signal", async (context) => {
  const mesh = await meshThatAnswers(context, (_request, response) => {
    response.write('{"text":"one"}\n{"text":"two"}\n'); // and stays open
  });
  const stop = new AbortController();
  const texts: string[] = [];
  for await (const { text } of mesh.lines<{ text: string }>("supervisor", "/logs", { signal: stop.signal })) {
    texts.push(text);
    if (texts.length === 2) stop.abort();
  }
  assert.deepEqual(texts, ["one", "two"]);
});
