// A real API server on loopback, with an etcd of its own and no nodes: about 5 s to ready. All of it is gone
// when it is closed, or when the process that started it ends, however that ends.

import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditEvent } from "./audit-log.ts";
import { readAuditLog, writeAuditPolicy } from "./audit-log.ts";
import { clusterBinaryPath } from "./cached-programs.ts";
import type { Component } from "./component.ts";
import { startComponent } from "./component.ts";
import {
  apiServerFlags,
  auditFlags,
  controllerManagerFlags,
  createControlPlaneFiles,
  etcdFlags,
} from "./control-plane-flags.ts";
import type { Kubectl } from "./kubectl.ts";
import { kubectlWith, writeKubeconfig } from "./kubectl.ts";
import { getFromApi, untilAnswered } from "./until-answered.ts";

export { whyNoApiServer } from "./cached-programs.ts";

const READY_LIMIT_MS = 120_000;

export interface ApiServerOptions {
  /** For default ServiceAccounts, `kube-root-ca.crt`, Deployments and EndpointSlices. Default false. */
  readonly controllerManager?: boolean;
  /** Default false. */
  readonly audit?: boolean;
  /** More flags for kube-apiserver. */
  readonly flags?: readonly string[];
}

export interface ApiServer {
  /** Of a user in the group `system:masters`. */
  readonly kubeconfigPath: string;
  /** `https://127.0.0.1:PORT`; the same after a restart. */
  readonly url: string;
  readonly caPem: string;
  /** Bearer token of the same user. */
  readonly token: string;
  readonly kubectl: Kubectl;
  /** Kills the API server alone: its watches break, nothing answers, etcd keeps everything. */
  halt(): Promise<void>;
  /** Starts it again after `halt()`, at the same address; resolves when it is ready. */
  resume(): Promise<void>;
  /** What was asked of it so far, if `audit` is on; each request once, when it was answered. */
  audit(): Promise<readonly AuditEvent[]>;
  /** Stops all of it and removes its files. */
  close(): Promise<void>;
}

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), `meltemi-api-${process.pid}-`));
  const running: Component[] = [];
  const close = async () => {
    await Promise.all(running.map((component) => component.close()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return await start({ folder, running, close, options });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Start {
  readonly folder: string;
  readonly running: Component[];
  readonly close: () => Promise<void>;
  readonly options: ApiServerOptions;
}

async function start({ folder, running, close, options }: Start): Promise<ApiServer> {
  const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3);
  const binary = clusterBinaryPath();
  const run = (name: string, flags: readonly string[]) => {
    const component = startComponent(name, [binary, name, ...flags], { folder });
    running.push(component);
    return component;
  };
  const etcd = run("etcd", etcdFlags(folder, `http://127.0.0.1:${etcdPort}`, `http://127.0.0.1:${peerPort}`));
  const token = randomBytes(16).toString("hex");
  const url = `https://127.0.0.1:${port}`;
  await createControlPlaneFiles(folder, { token, addresses: ["127.0.0.1"] });
  const caPem = await readFile(join(folder, "root.crt"), "utf8");
  if (options.audit === true) await writeAuditPolicy(folder);
  const flags = [
    ...apiServerFlags(folder, { etcdUrl: `http://127.0.0.1:${etcdPort}`, address: "127.0.0.1", port }),
    // An EndpointSlice of an address of loopback would be refused.
    ...["--endpoint-reconciler-type", "none"],
    ...(options.audit === true ? auditFlags(folder) : []),
    ...(options.flags ?? []),
  ];
  const kubeconfigPath = join(folder, "kubeconfig");
  await writeKubeconfig(kubeconfigPath, { url, caPem, user: { token } });

  const untilReady = (component: Component, path: string) => {
    const ask = () => getFromApi({ url, caPem, token, path });
    return untilAnswered(ask, {
      limitMs: READY_LIMIT_MS,
      failures: [etcd.untilFailure, component.untilFailure],
    });
  };
  let server = run("kube-apiserver", flags);
  await untilReady(server, "/readyz");
  await untilReady(server, "/api/v1/namespaces/default");
  if (options.controllerManager === true) {
    const component = run("kube-controller-manager", controllerManagerFlags(folder, kubeconfigPath));
    await untilReady(component, "/api/v1/namespaces/default/serviceaccounts/default");
  }
  return {
    kubeconfigPath,
    url,
    caPem,
    token,
    kubectl: kubectlWith(kubeconfigPath),
    halt: () => server.close(),
    async resume() {
      server = run("kube-apiserver", flags);
      await untilReady(server, "/readyz");
    },
    audit: () => readAuditLog(folder),
    close,
  };
}

/** Ports of loopback that were free a moment ago. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
