import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLogger } from "../../core/logger.ts";
import { type AdminAnswers, serveAdmin } from "./admin-server.ts";

const file = "/var/lib/mesh/pods/web-1/config";

function fault(code: string): Error {
  return Object.assign(new Error(`${code}: write '${file}'`), { code, syscall: "open", path: file });
}

const failures: readonly (readonly [Error, number, object])[] = [
  [
    fault("ENOSPC"),
    507,
    {
      error: `The mesh can't do this: "${file}": the disk is full`,
      hint: "free some space there and try again; pods that run go on",
    },
  ],
  [fault("EROFS"), 500, { error: `The mesh can't do this: "${file}": the file system is read-only` }],
  [new Error("A mistake of ours"), 500, { error: "A mistake of ours" }],
];

for (const [error, status, answer] of failures) {
  test(`a request for exec that fails by "${error.message}" is answered with ${status} in words`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "admin-failure-"));
    t.after(() => rm(folder, { recursive: true }));
    const socketPath = join(folder, "admin.sock");
    const answers = { exec: () => Promise.reject(error) } as Partial<AdminAnswers> as AdminAnswers;
    const server = await serveAdmin(answers, { socketPath, log: silentLogger });
    t.after(() => server.close());
    assert.deepEqual(await post(socketPath, "/exec", { pod: "web-1", command: ["ls"] }), { status, answer });
  });
}

function post(socketPath: string, path: string, body: object) {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method: "POST" }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode, answer: JSON.parse(text) as object }));
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}
