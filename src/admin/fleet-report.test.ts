import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { objectsOf } from "../../tests/support/mesh-fixture.ts";
import { systemClock } from "../core/clock.ts";
import type { Location } from "../core/location.ts";
import { silentLogger } from "../core/logger.ts";
import { objectKey } from "../core/object-key.ts";
import { problem } from "../core/problem.ts";
import { writeObject } from "../model/sources.ts";
import { createControlPlane } from "../plane/create-control-plane.ts";
import { type Locate, locatedProblems, proxyStatuses, refusalProblems } from "./fleet-report.ts";

const MESH = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }] }
`;

const WEB = objectKey({ kind: "Service", namespace: "shop", name: "web" });
const AT: Location = { file: "web.yaml", line: 3, column: 1 };
const locate: Locate = (key) => (key === WEB ? AT : undefined);
const SENT = { resourceCount: 1, removedCount: 0, bytes: 10 };
const CLUSTER = "outbound|80||web.shop.svc.cluster.local";

function meshOf(...names: readonly string[]) {
  const plane = createControlPlane({ clock: systemClock, log: silentLogger });
  plane.fleet.commit((transaction) => {
    for (const object of objectsOf(MESH)) writeObject(transaction, plane.sources, object);
  });
  const sessions = names.map((name) => {
    const nodeId = `sidecar~10.0.0.1~${name}~shop.svc.cluster.local`;
    const node = {
      id: nodeId,
      cluster: "",
      metadata: {},
      locality: { region: "", zone: "", subZone: "" },
      userAgentName: "envoy",
      userAgentVersion: "1.40.0",
    };
    const client = {
      nodeId,
      node,
      peer: undefined,
      owner: undefined,
      identity: { proof: "none" },
      protocol: "delta",
      remoteAddress: "10.0.0.1",
      servesSecrets: false,
      metadata: () => undefined,
    } as const;
    const stream = {
      publish: () => undefined,
      standing: () => "in-use" as const,
      offerAgain: () => undefined,
      close: () => undefined,
    };
    const joining = plane.fleet.open(client, stream).conversation.join();
    assert.ok(!(joining instanceof Promise) && joining.kind === "joined");
    joining.session.asked?.("cluster");
    return joining.session;
  });
  return { fleet: plane.fleet, sessions };
}

function refuse(session: ReturnType<typeof meshOf>["sessions"][number]): void {
  const resource = session.initialSet().get("cluster", CLUSTER);
  assert.ok(resource !== undefined);
  const { name, version } = resource;
  const refused = [{ resource, inUse: "nothing" as const }];
  session.rejected("cluster", { resources: [{ name, version }], refused, detail: "no such cluster" });
}

describe("proxyStatuses()", () => {
  test("are in the order of namespaces and names, with how far each type is", () => {
    const { fleet, sessions } = meshOf("web-2.shop", "web-1.shop", "web-9.bar");
    sessions[1]?.sent?.("cluster", "1", SENT);
    sessions[1]?.sent?.("route", "2", SENT);
    sessions[1]?.acknowledged("cluster", "1", []);
    const found = proxyStatuses(fleet, locate);
    assert.deepEqual(
      found.map(({ namespace, name }) => `${namespace}/${name}`),
      ["bar/web-9", "shop/web-1", "shop/web-2"],
    );
    const { acked, nacks, type, version, isPod } = found[1] ?? assert.fail();
    assert.deepEqual(
      { ...acked },
      {
        cds: "SYNCED",
        lds: "NOT SENT",
        eds: "NOT SENT",
        rds: "STALE",
        ecds: "NOT SENT",
      },
    );
    assert.deepEqual(
      { nacks, type, version, isPod },
      { nacks: [], type: "sidecar", version: "1.40.0", isPod: false },
    );
  });

  test("say what a proxy refuses, by whom it was made and where that is written", () => {
    const { fleet, sessions } = meshOf("web-1.shop");
    for (const session of sessions) {
      session.sent?.("cluster", "1", SENT);
      refuse(session);
      session.sent?.("listener", "2", SENT);
      session.rejected("listener", { resources: [], refused: [], detail: "one of them is bad" });
    }
    assert.deepEqual(proxyStatuses(fleet, locate)[0]?.nacks, [
      { type: "cds", message: "no such cluster", object: "Service shop/web", location: "web.yaml:3:1" },
      { type: "lds", message: "one of them is bad" },
    ]);
  });
});

describe("refusalProblems()", () => {
  test("tell once what several proxies refuse, with object and place", () => {
    const { fleet, sessions } = meshOf("web-1.shop", "web-2.shop");
    for (const session of sessions) refuse(session);
    const [first, ...others] = refusalProblems(fleet, locate);
    assert.deepEqual(others, []);
    assert.equal(first?.code, "MLT4101");
    assert.equal(
      first?.message,
      `shop/web-1 (Envoy 1.40.0) refused the cluster "${CLUSTER}": no such cluster`,
    );
    assert.deepEqual([first?.object, first?.location], [WEB, AT]);
    assert.match(first?.hint ?? "", /^a proxy that refuses it keeps what it had;/);
  });
});

describe("locatedProblems()", () => {
  test("have a place where a file says it, and stay as they were elsewhere", () => {
    const of = (object: typeof WEB) => problem("MLT1005", { object, message: "wrong" });
    const other = of(objectKey({ kind: "Service", namespace: "shop", name: "other" }));
    const found = locatedProblems([[of(WEB)], [other]], locate);
    assert.deepEqual(found, [{ ...of(WEB), location: AT }, other]);
  });
});
