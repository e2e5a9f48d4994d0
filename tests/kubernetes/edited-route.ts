// A VirtualService whose only work is to be seen: answers of the echo server carry what it was told last.

import assert from "node:assert/strict";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { Load } from "../e2e/mesh/pod-client.ts";
import type { TestNamespace } from "./test-namespace.ts";

/** Answers of `echo` say `x-edit: EDIT` from the moment on at which the caller's proxy has it. */
export function editRoute(namespace: TestNamespace, edit: string, host = "echo"): Promise<void> {
  const route = [{ destination: { host } }];
  const http = [{ route, headers: { response: { set: { "x-edit": edit } } } }];
  const virtualService = {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: host },
    spec: { hosts: [host], http },
  };
  return namespace.apply([virtualService]);
}

export async function untilSeen(load: Load, edit: string): Promise<void> {
  await eventually(async () => assert.equal((await load.tally()).last.edit, edit), { deadlineMs: 60_000 });
}

/** All answers so far were good, and there were some. */
export async function assertUnbroken(load: Load): Promise<void> {
  const { total, failures } = await load.tally();
  assert.ok(total > 0);
  assert.deepEqual(failures, []);
}
