import assert from "node:assert/strict";
import { test } from "node:test";
import { kinds } from "../../src/kinds/all-kinds.ts";
import type { Finding, Kind } from "../../src/kinds/define-kind.ts";
import { isMeshKind } from "../../src/kinds/define-kind.ts";
import { parseObject } from "../../src/kinds/parse-object.ts";
import { canonicalField } from "../../src/kinds/same-fields.ts";
import type { LargePlace, Word } from "../support/large-objects.ts";
import { largePlaces } from "../support/large-objects.ts";

// The webhook answers in the thread that serves the proxies, and takes objects of some megabytes. What grows with the
// square of this many costs seconds; what grows with their number costs a fifth of the bound.
const ENTRY_COUNT = 30_000;
const MAX_CPU_MS = 500;
const MAX_FINDINGS = 500;
const MAX_TEXT_LENGTH = 1_200;

for (const kind of kinds.filter(isMeshKind)) {
  test(`parseObject() of a ${kind.kind} takes time in proportion to the length of each list, map and text`, () => {
    const places = placesOf(kind);
    for (const place of places.filter(({ sort }) => sort !== "text")) {
      for (const word of wordsOf(place)) assertQuick(place.path, () => place.build(ENTRY_COUNT, word));
    }
    for (const place of places.filter(({ sort }) => sort === "text")) {
      for (const unit of REPEATED) {
        const text = `${unit.repeat(ENTRY_COUNT / unit.length)}!`;
        assertQuick(`${place.path} of many ${JSON.stringify(unit)}`, () => place.build(1, () => text));
      }
    }
    assert.ok(places.length > 20, `${places.length} places`);
  });
}

/** What patterns repeat, so that one that tries again from each place shows. */
const REPEATED = [" ", "\\", "%A(", "a", "a.", "(", "{1", "/", "*", "1", "-"] as const;

function placesOf(kind: Kind): LargePlace[] {
  const isCanonical = (field: string) => canonicalField(field) === field;
  return largePlaces(kind).filter(({ path }) => isCanonical(`${kind.kind}.${path}`));
}

function wordsOf({ path }: LargePlace): Word[] {
  const isHosts = /hosts$/i.test(path);
  return [(index) => `a${index}`, ...(isHosts ? [(index: number) => `*.a${index}.example.com`] : [])];
}

const inMesh = { namespace: "shop", name: "a" };
const indexes = Array.from({ length: ENTRY_COUNT / 2 }, (_, index) => index);

test("parseObject() holds names against other lists of the object in time in proportion to both", () => {
  assertQuick("SNI hosts and hosts", () => ({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: inMesh,
    spec: {
      hosts: indexes.map((index) => `a${index}.example.com`),
      tls: [
        {
          match: [{ port: 443, sniHosts: indexes.map((index) => `a${index}.example.com`) }],
          route: [{ destination: { host: "a" } }],
        },
      ],
    },
  }));
  assertQuick("ports of endpoints and ports", () => ({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: inMesh,
    spec: {
      hosts: ["a.example.com"],
      resolution: "STATIC",
      ports: indexes.map((index) => ({ number: index + 1, name: `a${index}`, protocol: "HTTP" })),
      endpoints: indexes.map(() => ({ address: "10.0.0.1" })),
    },
  }));
});

/** The best of some, since a collection of garbage may fall into one. */
function assertQuick(what: string, build: () => Record<string, unknown>): void {
  const object = build();
  let cpuMs = Infinity;
  for (let attempt = 0; attempt < 3 && cpuMs > MAX_CPU_MS; attempt++) {
    const start = process.cpuUsage();
    assertBounded(what, parseObject(object).findings);
    const { user, system } = process.cpuUsage(start);
    cpuMs = Math.min(cpuMs, (user + system) / 1_000);
  }
  assert.ok(cpuMs <= MAX_CPU_MS, `${what}: ${Math.round(cpuMs)} ms of the processor`);
}

function assertBounded(what: string, findings: readonly Finding[]): void {
  assert.ok(findings.length <= MAX_FINDINGS, `${what}: ${findings.length} findings`);
  for (const { path, message, hint = "" } of findings) {
    const length = Math.max(path.length, message.length, hint.length);
    assert.ok(length <= MAX_TEXT_LENGTH, `${what}: a text of ${length}, ${message.slice(0, 100)}`);
  }
}
