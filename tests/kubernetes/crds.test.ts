// Our custom resource definitions on a real API server: it takes them, and accepts and refuses what Istio's would.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { systemClock } from "../../src/core/clock.ts";
import { redacted } from "../../src/core/redacted.ts";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { findKind } from "../../src/kinds/all-kinds.ts";
import { type ApiClient, createApiClient } from "../../src/kubernetes/api-client.ts";
import type { ApiEndpoint } from "../../src/kubernetes/api-endpoint.ts";
import { resourceOfKind, resourcePath } from "../../src/kubernetes/api-resource.ts";
import { caseDirectory, skipWithout } from "../cases/case-directory.ts";
import { deviationsOf } from "../cases/deviations.ts";
import { acceptedObjects } from "./accepted-objects.ts";
import type { ApiServer } from "./cluster/api-server.ts";
import { startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import { definitionsEstablished } from "./cluster/definitions-established.ts";

const directory = caseDirectory("validation");
const skip = whyNoApiServer();
const needsCases = skip || skipWithout(directory);
let server: ApiServer;

before(async () => {
  if (skip) return;
  server = await startApiServer();
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: customResourceDefinitions() });
  await server.kubectl(["apply", "--server-side", "-f", "-"], { input });
  await definitionsEstablished(server.kubectl);
});
after(() => server?.close());

/** What the API server says of the object, or undefined where it accepts it. It is asked for a dry run. */
async function refusalOf(object: unknown): Promise<string | undefined> {
  const args = ["create", "--dry-run=server", "--validate=ignore", "-f", "-"];
  try {
    await server.kubectl(args, { input: JSON.stringify(object) });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

interface ValidationCase {
  readonly name: string;
  readonly object: unknown;
  readonly valid: boolean;
  readonly errorSubstring?: string;
}

function differenceOf({ errorSubstring = "", valid }: ValidationCase, refusal: string | undefined) {
  if (valid) return refusal;
  if (refusal === undefined) return "it was accepted";
  // Older API servers quote the type of a value that a rule refuses; newer ones leave it out.
  const wanted = errorSubstring.replace('Invalid value: "object": ', "Invalid value: ");
  return refusal.includes(wanted) ? undefined : `the error lacks "${errorSubstring}": ${refusal}`;
}

test("the API server serves every definition without a violation", { skip }, async () => {
  const text = await server.kubectl(["get", "crd", "-o", "json"]);
  const items = (JSON.parse(text) as { items: CustomResourceDefinitionStatus[] }).items;
  assert.equal(items.length, customResourceDefinitions().length);
  for (const { metadata, status } of items) {
    const types = (status?.conditions ?? []).filter((each) => each.status === "True").map(({ type }) => type);
    assert.ok(types.includes("Established") && !types.includes("NonStructuralSchema"), metadata.name);
  }
});

interface CustomResourceDefinitionStatus {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

test("the API server explains a field", { skip }, async () => {
  const text = await server.kubectl(["explain", "peerauthentications.security.istio.io.spec.mtls"]);
  assert.match(text, /The mode of all ports/);
});

test("Istio's cases are accepted exactly when Istio accepts them", { skip: needsCases }, async () => {
  const deviations = deviationsOf("crds");
  const names = readdirSync(`${directory}/crds`);
  assert.ok(names.length > 50, `only ${names.length} cases`);
  const findings: string[] = [];
  for (const file of names) {
    const one = JSON.parse(readFileSync(`${directory}/crds/${file}`, "utf8")) as ValidationCase;
    const difference = differenceOf(one, await refusalOf(one.object));
    const isDeviation = deviations.has(file.replace(/\.json$/, ""));
    if (isDeviation && difference === undefined) findings.push(`${file}: it agrees again`);
    if (!isDeviation && difference !== undefined) findings.push(`${file}: ${difference}`);
  }
  assert.deepEqual(findings, []);
});

// The webhook may be away, or be told to fail open; what it takes must never be refused behind it.
test("the definitions are never stricter than Meltemi's own validation", { skip: needsCases }, async () => {
  const accepted = acceptedObjects(directory ?? "");
  assert.ok(accepted.length > 1_500, `only ${accepted.length} objects`);
  const client = createApiClient(endpointOf(server), { clock: systemClock, userAgent: "test" });
  const examples = new Map<string, string>();
  const queue = [...accepted];
  const ask = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const refusal = await refusalBy(client, next.object);
      if (refusal !== undefined) examples.set(`${next.object.kind} ${withoutValue(refusal)}`, next.name);
    }
  };
  try {
    await Promise.all(Array.from({ length: 8 }, ask));
  } finally {
    client.close();
  }
  assert.deepEqual([...examples].sort(), []);
});

/** What is the same for all objects that one rule refuses. */
function withoutValue(refusal: string): string {
  return refusal
    .replace(/^.* is invalid: /, "")
    .replaceAll(/(Invalid|Unsupported) value: ("[^"]*"|[^:]*):/g, "$1:");
}

function endpointOf({ url, caPem, token }: ApiServer): ApiEndpoint {
  const credentials = async () => ({ bearerToken: redacted(token) });
  return { url: new URL(url), caPem, credentials, forgetCredentials: () => undefined };
}

/** Undefined where a dry run accepts it, with no field that the definition lacks. */
async function refusalBy(client: ApiClient, object: Readonly<Record<string, unknown>>) {
  const kind = findKind(String(object.apiVersion), String(object.kind));
  assert.ok(kind !== undefined, JSON.stringify(object));
  const resource = { ...resourceOfKind(kind), apiVersion: String(object.apiVersion) };
  const metadata = { ...(object.metadata as object), namespace: "default", name: "a" };
  try {
    await client.request({
      method: "POST",
      path: resourcePath(resource, { namespace: "default" }),
      query: { dryRun: "All", fieldValidation: "Strict" },
      body: { ...object, metadata },
    });
    return undefined;
  } catch (error) {
    return (error as Error).message.slice(0, 600);
  }
}

test("a valid object of each kind and version is accepted", { skip: needsCases }, async () => {
  const names = readdirSync(`${directory}/dataset`);
  assert.ok(names.length > 15, `only ${names.length} objects`);
  for (const file of names) {
    for (const document of parseAllDocuments(readFileSync(`${directory}/dataset/${file}`, "utf8"))) {
      assert.equal(await refusalOf(document.toJS()), undefined, file);
    }
  }
});
