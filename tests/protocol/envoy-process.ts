// A real Envoy for one test: its bootstrap knows an ADS server on a unix socket and nothing else.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";

/** Of a test, or of whoever else ends what it started. */
export type Lifetime = Pick<TestContext, "after">;

export type AdsVariant = "DELTA_GRPC" | "GRPC";

export interface EnvoyProcess {
  readonly pid: number;
  /** Where the test's listener is to listen: a pipe. */
  readonly listenerPath: string;
  /** GET on the admin socket. */
  admin(path: string): Promise<string>;
  /** Resolves when `/server_info` says LIVE. */
  untilLive(): Promise<void>;
  readonly log: () => string;
}

/** `MELTEMI_ENVOY`, then PATH, then the cache; undefined where there is none. */
export function findEnvoy(): string | undefined {
  const { MELTEMI_ENVOY, PATH = "", XDG_CACHE_HOME = join(homedir(), ".cache") } = process.env;
  const onPath = PATH.split(delimiter).map((directory) => join(directory, "envoy"));
  const cached = join(XDG_CACHE_HOME, "meltemi/envoy/1.40.0/envoy");
  return [MELTEMI_ENVOY, ...onPath, cached].find((path) => path !== undefined && existsSync(path));
}

/** A directory for the sockets of one test; short, since a unix socket's path holds 107 bytes. */
export function makeSocketDirectory(t: Lifetime): string {
  const directory = mkdtempSync(join(tmpdir(), `mlt-${process.pid}-`));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function startEnvoy(
  t: Lifetime,
  { directory, ...options }: Omit<BootstrapOptions, "adminPath"> & { readonly directory: string },
): EnvoyProcess {
  const binary = findEnvoy();
  if (binary === undefined) throw new Error("No Envoy: set MELTEMI_ENVOY");
  const adminPath = join(directory, "admin.sock");
  const configPath = join(directory, "bootstrap.json");
  writeFileSync(configPath, JSON.stringify(bootstrap({ adminPath, ...options })));
  const child = spawn(
    binary,
    ["-c", configPath, "--use-dynamic-base-id", "--concurrency", "1", "-l", "info"],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-100_000);
  });
  t.after(() => stop(child));
  const admin = (path: string) => get(adminPath, path);
  return {
    pid: child.pid ?? 0,
    listenerPath: join(directory, "listener.sock"),
    admin,
    log: () => log,
    async untilLive() {
      const deadlineMs = Date.now() + 30_000;
      while (Date.now() < deadlineMs) {
        const info = await admin("/server_info").catch(() => "");
        if (info.includes('"LIVE"')) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`Envoy didn't become LIVE:\n${log.slice(-4000)}`);
    },
  };
}

interface BootstrapOptions {
  readonly adminPath: string;
  readonly adsPath: string;
  readonly variant: AdsVariant;
  /** Of an agent's secrets. */
  readonly sdsPath?: string;
  /** Else a sidecar's. */
  readonly node?: { readonly id: string; readonly metadata?: object };
}

const SIDECAR = { id: "sidecar~127.0.0.1~x.default~default.svc.cluster.local" };

function bootstrap({ adminPath, adsPath, variant, sdsPath, node = SIDECAR }: BootstrapOptions) {
  const ads = { ads: {}, resource_api_version: "V3" };
  return {
    node: { cluster: "x.default", ...node },
    admin: { address: { pipe: { path: adminPath } } },
    dynamic_resources: {
      ads_config: {
        api_type: variant,
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "ads" } }],
      },
      cds_config: ads,
      lds_config: ads,
    },
    static_resources: {
      clusters: [
        http2Cluster("ads", adsPath),
        ...(sdsPath === undefined ? [] : [http2Cluster("sds-grpc", sdsPath)]),
      ],
    },
  };
}

function http2Cluster(name: string, path: string) {
  return {
    name,
    type: "STATIC",
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, timeout: 5_000 }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => resolve(body));
    });
    call.on("timeout", () => call.destroy(new Error("timeout")));
    call.on("error", reject);
    call.end();
  });
}
