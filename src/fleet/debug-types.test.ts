import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { ClientConfigSchema } from "../gen/envoy/service/status/v3/csds_pb.ts";
import type { GenericResource } from "../xds/backend.ts";
import { connectedProxies, debugAnswer, findProxy, proxyIdOf } from "./debug-types.ts";
import type { FleetSession } from "./fleet-session.ts";
import type { SyncState } from "./session-ledger.ts";

interface SessionFacts {
  readonly states?: Readonly<Record<string, SyncState>>;
  readonly podUid?: string;
}

function session(id: string, { states = { cluster: "synced" }, podUid }: SessionFacts = {}): FleetSession {
  const [name, namespace] = id.split(".");
  const pod = podUid === undefined ? undefined : { uid: podUid };
  return {
    nodeId: `sidecar~10.0.0.7~${id}~${namespace}.svc.cluster.local`,
    proxy: { name, namespace, pod },
    origin: { clusterId: "Kubernetes", meshVersion: "0.1.0" },
    ledger: { stateOf: (type: string) => states[type] ?? "not-sent" },
  } as unknown as FleetSession;
}

const fleetOf = (...sessions: readonly FleetSession[]) => ({
  sessions: () => sessions,
  resourcesOf: () => [],
});
const access = {
  controlPlane: "istiod-1",
  dumpElsewhere: async () => undefined,
  page: async (path: string) => `page ${path}`,
};
const request = (typeUrl: string, names: readonly string[] = [], responseNonce = "") =>
  ({ typeUrl, names, responseNonce }) as Parameters<typeof debugAnswer>[0];
const textOf = ({ body }: GenericResource) => Buffer.concat([...body]).toString();
const decoded = <M extends Message>(schema: GenMessage<M>, { body }: GenericResource) =>
  fromBinary(schema, Buffer.concat([...body]));

test("connectedProxies() has each once by id, and none that asked for no config", () => {
  const sessions = [
    session("web-2.shop"),
    session("istioctl.shop", { states: {} }),
    session("web-1.shop"),
    session("web-1.shop", { podUid: "proven" }),
    session("web-1.shop"),
  ];
  const found = connectedProxies(fleetOf(...sessions));
  assert.deepEqual(found.map(proxyIdOf), ["web-1.shop", "web-2.shop"]);
  assert.equal(found[0]?.proxy.pod?.uid, "proven");
});

test("findProxy() prefers the very id to one that begins so, and finds none by nothing", () => {
  const fleet = fleetOf(session("web-1.shop"), session("web-10.shop"), session("web.shop"));
  const idOf = (text: string) => {
    const found = findProxy(text, fleet);
    return found === undefined ? undefined : proxyIdOf(found);
  };
  assert.equal(idOf("web.shop"), "web.shop");
  assert.equal(idOf("web-10"), "web-10.shop");
  assert.equal(idOf("web-1"), "web-1.shop");
  assert.equal(idOf("api"), undefined);
  assert.equal(idOf(""), undefined);
});

test("debugAnswer() says how far each type of a proxy is in step, in Istio's order", async () => {
  const states = { cluster: "synced", listener: "stale", endpoint: "synced" } as const;
  const fleet = fleetOf(session("web-1.shop", { states }));
  const answer = await debugAnswer(request("istio.io/debug/syncz"), fleet, access);
  assert.equal(answer?.controlPlane, "istiod-1");
  const [resource] = answer?.resources ?? [];
  assert.ok(resource);
  assert.equal(resource.typeUrl, "type.googleapis.com/envoy.service.status.v3.ClientConfig");
  const { node, genericXdsConfigs } = decoded(ClientConfigSchema, resource);
  assert.equal(node?.id, "web-1.shop");
  assert.deepEqual(node?.metadata, { CLUSTER_ID: "Kubernetes", ISTIO_VERSION: "0.1.0", NAMESPACE: "shop" });
  // envoy.service.status.v3.ConfigStatus: SYNCED 1, NOT_SENT 2, STALE 3.
  assert.deepEqual(
    genericXdsConfigs.map(({ typeUrl, configStatus }) => [typeUrl.split(".").at(-1), configStatus]),
    [
      ["Listener", 3],
      ["RouteConfiguration", 2],
      ["ClusterLoadAssignment", 1],
      ["Cluster", 1],
      ["TypedExtensionConfig", 2],
    ],
  );
});

test("debugAnswer() has the dump of a proxy here, else of whoever serves it, else the page's words", async () => {
  const ask = (dumpElsewhere: typeof access.dumpElsewhere | (() => Promise<readonly Section[]>)) =>
    debugAnswer(request("istio.io/debug/config_dump", ["web-1.shop"]), fleetOf(), {
      ...access,
      dumpElsewhere,
    });
  type Section = { readonly typeUrl: string; readonly value: Uint8Array };
  const section = { typeUrl: "type.googleapis.com/a", value: Buffer.from("bytes") };
  const elsewhere = await ask(async () => [section]);
  assert.deepEqual(
    elsewhere?.resources.map(({ typeUrl }) => typeUrl),
    [section.typeUrl],
  );
  const nowhere = await ask(async () => undefined);
  assert.deepEqual(nowhere?.resources.map(textOf), ["page config_dump?proxyID=web-1.shop"]);
  const here = await debugAnswer(
    request("istio.io/debug/config_dump", ["web-1.shop"]),
    fleetOf(session("web-1.shop")),
    access,
  );
  assert.deepEqual(
    here?.resources.map(({ typeUrl }) => typeUrl.split(".").at(-1)),
    ["ClustersConfigDump", "ListenersConfigDump", "RoutesConfigDump", "SecretsConfigDump", "EcdsConfigDump"],
  );
});

test("debugAnswer() has the debug pages by path, nothing for an acknowledgement or another type", async () => {
  const answer = await debugAnswer(request("istio.io/debug", ["syncz"]), fleetOf(), access);
  assert.deepEqual(answer?.resources.map(textOf), ["page syncz"]);
  assert.equal(await debugAnswer(request("istio.io/debug", ["syncz"], "1"), fleetOf(), access), undefined);
  assert.equal(await debugAnswer(request("istio.io/debug/other"), fleetOf(), access), undefined);
});
