// A running test cluster as a test sees it, opened from its description, which crosses processes as JSON.

import { readFileSync } from "node:fs";
import type { AuditEvent } from "./audit-log.ts";
import { readAuditLog } from "./audit-log.ts";
import { whyNoCluster } from "./cached-programs.ts";
import type { ForwardedPort } from "./forward-port.ts";
import { forwardPort } from "./forward-port.ts";
import { halt, resume } from "./halt-switch.ts";
import type { Kubectl } from "./kubectl.ts";
import { kubectlWith } from "./kubectl.ts";
import { enterNode, runInNode } from "./node-namespaces.ts";
import { getFromApi, untilAnswered } from "./until-answered.ts";

const RESUME_LIMIT_MS = 60_000;

export interface ClusterDescription {
  readonly kubeconfigPath: string;
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  readonly caPem: string;
  /** Bearer token of an administrator. */
  readonly token: string;
  readonly folder: string;
  readonly nodes: readonly { readonly name: string; readonly address: string; readonly pid: number }[];
}

export interface Cluster extends Omit<ClusterDescription, "nodes"> {
  readonly kubectl: Kubectl;
  readonly nodes: readonly OpenNode[];
  /** Makes images of an OCI layout's archive known to all nodes. */
  importImages(archive: string): Promise<void>;
  /** A port of this machine's loopback for an address that nodes reach: a pod, a Service, a node port. */
  forward(host: string, port: number): Promise<ForwardedPort>;
  audit(): Promise<readonly AuditEvent[]>;
  /** Kills the API server alone: its watches break and nothing answers; nodes and pods go on. */
  haltApiServer(): Promise<void>;
  /** Starts it again; resolves when it is ready. */
  resumeApiServer(): Promise<void>;
}

export interface OpenNode {
  readonly name: string;
  readonly address: string;
  /** Runs a program of this machine in the node's namespaces; resolves to what it printed. */
  run(command: readonly [string, ...string[]]): Promise<string>;
  /** The command line by which a test runs a program there itself. */
  enter(command: readonly [string, ...string[]]): readonly [string, ...string[]];
}

export function openCluster(description: ClusterDescription): Cluster {
  const nodes = description.nodes.map(({ name, address, pid }) => ({
    name,
    address,
    run: (command: readonly [string, ...string[]]) => runInNode(pid, command),
    enter: (command: readonly [string, ...string[]]) => enterNode(pid, command),
  }));
  return {
    ...description,
    kubectl: kubectlWith(description.kubeconfigPath),
    nodes,
    async importImages(archive) {
      const command = ["ctr", "--namespace", "k8s.io", "images", "import", archive] as const;
      await Promise.all(nodes.map((node) => node.run(command)));
    },
    forward: (host, port) => forwardPort(description.nodes[0]?.pid ?? 0, { host, port }),
    audit: () => readAuditLog(description.folder),
    haltApiServer: () => halt(description.folder, description.nodes[0]?.pid ?? 0),
    async resumeApiServer() {
      await resume(description.folder);
      const ask = () => getFromApi({ ...description, path: "/readyz" });
      await untilAnswered(ask, { limitMs: RESUME_LIMIT_MS });
    },
  };
}

/** The cluster that `npm run test:kubernetes` has started for all test files. */
export function testCluster(): Cluster {
  const path = process.env.MELTEMI_TEST_CLUSTER;
  if (path === undefined) throw new Error("No test cluster: ask whyNoTestCluster() first");
  return openCluster(JSON.parse(readFileSync(path, "utf8")) as ClusterDescription);
}

/** Why tests that need the cluster can't run, for `skip`; false where they can. */
export function whyNoTestCluster(): string | false {
  if (process.env.MELTEMI_TEST_CLUSTER !== undefined) return false;
  return whyNoCluster() || "needs the test cluster: run `npm run test:kubernetes`";
}
