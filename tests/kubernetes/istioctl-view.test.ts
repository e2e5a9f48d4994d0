// What istioctl asks of a mesh, in the words in which it asks: over forwarded ports, with a token of the system
// namespace, of each control plane in turn. With an istioctl at hand it is run as well.

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { after, before, describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { type DescMessage, fromBinary, fromJson, toJson } from "@bufbuild/protobuf";
import type { LogScopeReport } from "../../src/admin/contract/control-plane.ts";
import { dumpedMessages } from "../../src/fleet/config-dump-json.ts";
import {
  ClustersConfigDumpSchema,
  ListenersConfigDumpSchema,
  RoutesConfigDumpSchema,
} from "../../src/gen/envoy/admin/v3/config_dump_shared_pb.ts";
import { ClientConfigSchema, ConfigStatus } from "../../src/gen/envoy/service/status/v3/csds_pb.ts";
import { readVersion } from "../../src/process/project.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import { openStateOfTheWorld } from "../protocol/ads-client.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import { untilReady } from "./control-plane-replicas.ts";
import { callerPod, echoDeployment, echoService } from "./echo-application.ts";
import type { Meltemi } from "./meltemi-command.ts";
import { meltemiAgainst } from "./meltemi-command.ts";
import { withPortForward } from "./port-forward.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();
const system = "meltemi-system";
const ISTIOCTL_TIMEOUT_MS = 60_000;

describe("istioctl's view of a cluster", { skip }, () => {
  let cluster: Cluster;
  let meltemi: Meltemi;
  let namespace: TestNamespace;
  let isInstalled = false;
  let token = "";
  let controlPlanes: readonly string[] = [];
  /** Of the echo's Deployment, one on each node. */
  let pods: readonly string[] = [];

  const namesOf = async (from: string, selector: string) =>
    (await cluster.kubectl(["-n", from, "get", "pods", "-l", selector, "-o", podNames])).trim().split(/\s+/);

  before(async () => {
    cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    isInstalled = true;
    await meltemi(["install", "--profile", "minimal", "--replicas", "2", "--timeout", "180s"]);
    const labels = { "istio-injection": "enabled" };
    namespace = await createTestNamespace(cluster, `istioctl-test-${process.pid}`, labels);
    await namespace.apply([echoDeployment(), echoService(), timeout]);
    await namespace.waitForRollout("deployment/echo");
    pods = await namesOf(namespace.name, "app=echo");
    // An autoscaler brings the second one, a moment after the first is there.
    await untilReady(cluster);
    controlPlanes = await namesOf(system, "app=istiod,istio.io/rev=default");
    const created = await cluster.kubectl([
      "-n",
      system,
      "create",
      "token",
      "default",
      "--audience",
      "istio-ca",
    ]);
    token = created.trim();
  });

  after(async () => {
    await namespace?.close();
    if (isInstalled) await meltemi(["uninstall", "--yes", "--purge"]);
  });

  /** The answer of one control plane's xDS port to istioctl's first and only request. */
  const askXds = (t: TestContext, controlPlane: string, typeUrl: string, resourceNames: string[] = []) =>
    withPortForward(cluster, { namespace: system, pod: controlPlane, port: 15012 }, async (port) => {
      const client = openStateOfTheWorld(t, port, { token });
      const id = "sidecar~192.0.2.1~test-1.default~default.svc.cluster.local";
      const metadata = { NAMESPACE: system, SERVICE_ACCOUNT: "default", GENERATOR: "event" };
      client.send({ node: { id, metadata }, typeUrl, resourceNames, responseNonce: `${new Date()}` });
      return await Promise.race([client.next(), client.status.then((status) => assert.fail(status.details))]);
    });

  const page = (pod: string, place: { readonly namespace: string; readonly port: number }, path: string) =>
    withPortForward(cluster, { ...place, pod }, async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`);
      assert.equal(answer.status, 200, path);
      return await answer.text();
    });

  test("there are two control planes to ask", () => {
    assert.equal(controlPlanes.length, 2);
    assert.equal(pods.length, 2);
  });

  test("each proxy is in step at one of them, with its cluster and release", async (t) => {
    await eventually(async () => {
      const proxies = new Map<string, readonly ConfigStatus[]>();
      for (const controlPlane of controlPlanes) {
        const { controlPlane: who, resources } = await askXds(t, controlPlane, "istio.io/debug/syncz");
        assert.equal(JSON.parse(who?.identifier ?? "").ID, controlPlane);
        for (const { value } of resources) {
          const { node, genericXdsConfigs } = fromBinary(ClientConfigSchema, value);
          if (node?.metadata?.NAMESPACE !== namespace.name) continue;
          assert.deepEqual(
            [node.metadata.CLUSTER_ID, node.metadata.ISTIO_VERSION],
            ["Kubernetes", readVersion()],
          );
          assert.ok(!proxies.has(node.id), `${node.id} is at both`);
          proxies.set(
            node.id,
            genericXdsConfigs.map(({ configStatus }) => configStatus),
          );
        }
      }
      assert.deepEqual([...proxies.keys()].sort(), pods.map((pod) => `${pod}.${namespace.name}`).sort());
      const { SYNCED } = ConfigStatus;
      for (const states of proxies.values()) assert.deepEqual(states, Array(5).fill(SYNCED));
    });
  });

  test("what a proxy was given is what its Envoy shows", async (t) => {
    const [pod = ""] = pods;
    await eventually(async () => {
      const answers = await Promise.all(
        controlPlanes.map((each) =>
          askXds(t, each, "istio.io/debug/config_dump", [`${pod}.${namespace.name}`]),
        ),
      );
      const [dump, ...others] = answers.filter(({ resources }) => resources.length > 1);
      assert.ok(dump !== undefined && others.length === 0);
      const [elsewhere] = answers.filter((answer) => answer !== dump);
      assert.match(
        Buffer.from(elsewhere?.resources[0]?.value ?? []).toString(),
        /Proxy not connected to this/,
      );
      const admin = { namespace: namespace.name, port: 15000 };
      const envoy = JSON.parse(await page(pod, admin, "config_dump"));
      for (const section of sections) {
        const given = section.given(dump.resources);
        assert.ok(given.length > 1, section.schema.typeName);
        assert.deepEqual(given, section.shown(envoy));
      }
    });
  });

  test("the release is bare text, and the pages are the same over HTTP and xDS", async (t) => {
    const [controlPlane = ""] = controlPlanes;
    const monitoring = { namespace: system, port: 15014 };
    // istioctl asks with both slashes.
    assert.equal(await page(controlPlane, monitoring, "/version"), readVersion());
    const { resources } = await askXds(t, controlPlane, "istio.io/debug", ["registryz"]);
    const overXds = JSON.parse(Buffer.from(resources[0]?.value ?? []).toString());
    const hosts = overXds.map(({ hostname }: { hostname: string }) => hostname);
    assert.ok(hosts.includes(`echo.${namespace.name}.svc.cluster.local`));
    assert.deepEqual(JSON.parse(await page(controlPlane, monitoring, "debug/registryz")), overXds);
  });

  test("admin log reads and changes levels on the port of ControlZ", async () => {
    const levelsOf = async (pod: string) => {
      const text = await page(pod, { namespace: system, port: 9876 }, "/scopej");
      const scopes: LogScopeReport[] = JSON.parse(text);
      return Object.fromEntries(scopes.map(({ name, output_level }) => [name, output_level]));
    };
    await meltemi(["admin", "log", "--level", "kube:debug"]);
    for (const pod of controlPlanes) {
      const { kube, ads } = await levelsOf(pod);
      assert.deepEqual({ kube, ads }, { kube: "debug", ads: "info" }, pod);
    }
    await meltemi(["admin", "log", "--reset"]);
    for (const pod of controlPlanes) assert.equal((await levelsOf(pod)).kube, "info", pod);
  });

  /** Undefined without one. */
  const istioctl = () => {
    const program = process.env.MELTEMI_ISTIOCTL ?? "istioctl";
    if (spawnSync(program, ["version", "--remote=false"]).status !== 0) return undefined;
    // The cluster's nodes are in this process: it must not stand still meanwhile.
    return async (...args: readonly string[]) => {
      const env = { ...process.env, KUBECONFIG: cluster.kubeconfigPath };
      const options = { env, timeout: ISTIOCTL_TIMEOUT_MS, maxBuffer: 2 ** 26 };
      const { stdout } = await promisify(execFile)(program, [...args, "-i", system], options);
      return stdout;
    };
  };
  const noIstioctl = "no istioctl: put one on PATH, or name it by MELTEMI_ISTIOCTL";

  test("istioctl itself", async (t) => {
    const run = istioctl();
    if (run === undefined) {
      t.skip(noIstioctl);
      return;
    }
    const pod = `${pods[0]}.${namespace.name}`;
    assert.match(await run("version"), new RegExp(readVersion().replaceAll(".", "\\.")));
    const statuses = await run("proxy-status");
    for (const each of pods) assert.ok(statuses.includes(`${each}.${namespace.name}`), statuses);
    assert.match(await run("proxy-status", pod), /Clusters Match\s+Listeners Match\s+Routes Match/);
    const host = `echo.${namespace.name}.svc.cluster.local`;
    for (const section of ["cluster", "route", "endpoint", "all"]) {
      assert.ok((await run("proxy-config", section, pod)).includes(host), section);
    }
    assert.match(await run("proxy-config", "listener", pod), /15006/);
    assert.match(await run("proxy-config", "secret", pod), /ROOTCA/);
    assert.match(await run("proxy-config", "log", pod), /admin/);
    assert.ok((await run("proxy-config", "bootstrap", pod)).includes(pods[0] ?? ""));
    assert.ok((await run("proxy-config", "ecds", pod)).includes("meltemi.http.authorization"));
    assert.ok((await run("experimental", "internal-debug", "syncz", "--all")).includes(namespace.name));
    const [controlPlane = ""] = controlPlanes;
    await run("admin", "log", controlPlane, "--level", "ads:debug");
    assert.match(await run("admin", "log", controlPlane), /^ads .* debug /m);
    await run("admin", "log", controlPlane, "--reset");
    assert.match(await run("admin", "log", controlPlane), /^ads .* info /m);
  });

  test("a proxy of another revision is told of as well", async (t) => {
    await meltemi(["install", "--profile", "minimal", "--revision", "canary", "--timeout", "180s"]);
    const elsewhere = await createTestNamespace(cluster, `istioctl-canary-${process.pid}`, {
      "istio.io/rev": "canary",
    });
    t.after(async () => {
      await elsewhere.close();
      await meltemi(["uninstall", "--yes", "--revision", "canary"]);
    });
    await elsewhere.apply([callerPod("caller")]);
    await elsewhere.waitFor("condition=Ready", "pod/caller");
    const pod = `caller.${elsewhere.name}`;
    await eventually(async () => {
      for (const controlPlane of controlPlanes) {
        const { resources } = await askXds(t, controlPlane, "istio.io/debug/config_dump", [pod]);
        const types = resources.map(({ typeUrl }) => typeUrl);
        for (const { schema } of sections)
          assert.ok(types.includes(`type.googleapis.com/${schema.typeName}`), `${types}`);
      }
    });
    const run = istioctl();
    if (run === undefined) return t.diagnostic(noIstioctl);
    assert.match(await run("proxy-status", pod), /Clusters Match\s+Listeners Match\s+Routes Match/);
  });
});

const podNames = 'jsonpath={range .items[*]}{.metadata.name}{" "}{end}';

const timeout = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "echo" },
  spec: { hosts: ["echo"], http: [{ timeout: "3s", route: [{ destination: { host: "echo" } }] }] },
};

interface Section {
  readonly schema: DescMessage;
  /** What the control plane says, as JSON sorted by name, without versions. */
  given(resources: readonly { readonly typeUrl: string; readonly value: Uint8Array }[]): readonly unknown[];
  /** The same of Envoy's dump. */
  shown(dump: { readonly configs: readonly { readonly "@type": string }[] }): readonly unknown[];
}

// istioctl too reads both into messages, takes out versions and times, and compares.
const sections: readonly Section[] = [
  sectionOf(ClustersConfigDumpSchema, ({ dynamic_active_clusters = [] }) =>
    dynamic_active_clusters.map(({ cluster }) => cluster),
  ),
  sectionOf(ListenersConfigDumpSchema, ({ dynamic_listeners = [] }) =>
    dynamic_listeners.map(({ active_state }) => active_state?.listener),
  ),
  sectionOf(RoutesConfigDumpSchema, ({ dynamic_route_configs = [] }) =>
    dynamic_route_configs.map(({ route_config }) => route_config),
  ),
];

type Named = { readonly name: string } | undefined;

interface DumpJson {
  readonly dynamic_active_clusters?: readonly { readonly cluster: Named }[];
  readonly dynamic_listeners?: readonly { readonly active_state?: { readonly listener: Named } }[];
  readonly dynamic_route_configs?: readonly { readonly route_config: Named }[];
}

function sectionOf(schema: DescMessage, resourcesIn: (dump: DumpJson) => readonly Named[]): Section {
  const typeUrl = `type.googleapis.com/${schema.typeName}`;
  const sorted = (bytes: ReturnType<typeof fromBinary>) => {
    const json = toJson(schema, bytes, { registry: dumpedMessages, useProtoFieldName: true });
    return resourcesIn(json as DumpJson).toSorted((one, other) =>
      (one?.name ?? "").localeCompare(other?.name ?? ""),
    );
  };
  return {
    schema,
    given: (resources) => {
      const found = resources.find((each) => each.typeUrl === typeUrl);
      return sorted(fromBinary(schema, found?.value ?? new Uint8Array()));
    },
    shown: ({ configs }) => {
      const { "@type": _, ...found } = configs.find((each) => each["@type"] === typeUrl) ?? { "@type": "" };
      return sorted(fromJson(schema, found, { registry: dumpedMessages }));
    },
  };
}
