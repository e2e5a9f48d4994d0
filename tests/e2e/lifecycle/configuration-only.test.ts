// Issue 3: a directory of configuration alone, without workloads, is a mesh too: `meltemi up` serves its resources
// on the machine's loopback to any client with an Istio node id, in plain text and without secrets.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "../../../src/gen/envoy/config/route/v3/route_pb.ts";
import { probeMachine } from "../../../src/local/front/machine-ability.ts";
import { typeUrlOf } from "../../../src/xds/resource-type.ts";
import { openDelta, openStateOfTheWorld } from "../../protocol/ads-client.ts";
import { eventually } from "../mesh/eventually.ts";

const ability = await probeMachine();
const skip = ability.kind === "unable" ? ability.sentence : false;
const program = fileURLToPath(new URL("../../../src/main/cli.ts", import.meta.url));

const node = {
  id: "sidecar~127.0.0.1~someone.shop~shop.svc.cluster.local",
  metadata: { NAMESPACE: "shop" },
};
const cds = typeUrlOf("cluster");
const rds = typeUrlOf("route");
const sds = typeUrlOf("secret");
const cluster = "outbound|9080||reviews.example";

function configuration(prefix: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews.example]
  location: MESH_INTERNAL
  ports: [{number: 9080, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 192.0.2.10}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews.example]
  http:
  - match: [{uri: {prefix: ${prefix}}}]
    route: [{destination: {host: reviews.example}}]
`;
}

interface Up {
  readonly port: number;
  readonly text: () => string;
  save(yaml: string): Promise<void>;
}

async function up(context: TestContext, ...flags: string[]) {
  const directory = await mkdtemp(join(tmpdir(), `meltemi-config-${process.pid}-`));
  context.after(() => rm(directory, { recursive: true, force: true }));
  const manifests = join(directory, "manifests");
  await mkdir(manifests);
  await writeFile(join(manifests, "shop.yaml"), configuration("/first"));
  const words = [program, "up", manifests, "--xds-port", "0", "--admin-port", "0", ...flags];
  const child = spawn(process.execPath, ["--import", "tsx", ...words], {
    env: { ...process.env, MELTEMI_STATE_DIR: join(directory, "state"), NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  context.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
    });
  }
  return {
    child,
    ended,
    text: () => text,
    save: (yaml: string) => writeFile(join(manifests, "shop.yaml"), yaml),
  };
}

async function startUp(context: TestContext): Promise<Up> {
  const { text, save } = await up(context);
  const port = await eventually(
    () => {
      assert.match(text(), /^ready: 0 pods$/m);
      return Number(/port for xds is (\d+)/.exec(text())?.[1]);
    },
    { deadlineMs: 60_000 },
  );
  return { port, text, save };
}

test("meltemi up --once is done at once with a directory without workloads", { skip }, async (context) => {
  const { ended, text } = await up(context, "--once");
  assert.deepEqual(await ended, [0, null], text());
});

test("a delta client gets what the directory says, then what changes, and no secret", {
  skip,
}, async (context) => {
  const { port, save } = await startUp(context);
  const client = openDelta(context, port);
  client.send({ node, typeUrl: cds });
  const clusters = await client.next();
  assert(clusters.resources.some(({ name }) => name === cluster));
  client.send({ typeUrl: cds, responseNonce: clusters.nonce });
  client.send({ typeUrl: rds, resourceNamesSubscribe: ["9080"] });
  const routes = await client.next();
  assert.equal(routes.typeUrl, rds);
  assert.deepEqual(prefixes(routes.resources[0]?.resource?.value), ["/first"]);
  client.send({ typeUrl: rds, responseNonce: routes.nonce });
  client.send({ typeUrl: sds, resourceNamesSubscribe: ["default"] });
  await save(configuration("/second"));
  for (;;) {
    const change = await client.next();
    assert.notEqual(change.typeUrl === sds && change.resources.length > 0, true, "a secret came");
    if (change.typeUrl !== rds) continue;
    assert.deepEqual(prefixes(change.resources[0]?.resource?.value), ["/second"]);
    break;
  }
});

test("a state-of-the-world client gets what the directory says", { skip }, async (context) => {
  const { port } = await startUp(context);
  const client = openStateOfTheWorld(context, port);
  client.send({ node, typeUrl: cds });
  const clusters = await client.next();
  assert.equal(clusters.typeUrl, cds);
  client.send({ typeUrl: cds, responseNonce: clusters.nonce, versionInfo: clusters.versionInfo });
  client.send({ typeUrl: rds, resourceNames: ["9080"] });
  const routes = await client.next();
  assert.equal(routes.typeUrl, rds);
  assert.deepEqual(prefixes(routes.resources[0]?.value), ["/first"]);
});

/** What the routes to reviews.example match. */
function prefixes(bytes: Uint8Array | undefined): readonly (string | undefined)[] {
  const { virtualHosts } = fromBinary(RouteConfigurationSchema, bytes ?? new Uint8Array());
  const host = virtualHosts.find(({ domains }) => domains.includes("reviews.example"));
  return (host?.routes ?? []).map(({ match }) => {
    const path = match?.pathSpecifier;
    if (path?.case === "prefix" || path?.case === "pathSeparatedPrefix") return path.value;
    return undefined;
  });
}
