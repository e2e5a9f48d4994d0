// A real Prometheus on this machine that scrapes a mesh as its user would: by the file of targets that `meltemi up` keeps.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

export interface PrometheusSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface RunningPrometheus {
  /** An instant query's vector; rejects with Prometheus's words for one that it can't read. */
  query(promql: string): Promise<readonly PrometheusSample[]>;
  /** The query's only value, 0 where it finds nothing. */
  number(promql: string): Promise<number>;
  targets(): Promise<readonly PrometheusTarget[]>;
  close(): Promise<void>;
}

export interface PrometheusTarget {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: "up" | "down" | "unknown";
  readonly lastError: string;
}

/** Why there can be none here, for `skip`; false where there can. */
export const skipWithoutPrometheus =
  spawnSync("prometheus", ["--version"]).status === 0
    ? false
    : "needs Prometheus: apt-get install --no-install-recommends prometheus";

/** `scrapeConfig` is more of a scrape config, in YAML's flow style. */
export async function startPrometheus(
  targetFile: string,
  { scrapeConfig = "" } = {},
): Promise<RunningPrometheus> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-prometheus-"));
  const config = `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - { job_name: mesh, file_sd_configs: [{ files: ["${targetFile}"], refresh_interval: 1s }], ${scrapeConfig} }
`;
  await writeFile(join(directory, "prometheus.yml"), config);
  const address = `127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${join(directory, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(directory, "data")}`,
    `--web.listen-address=${address}`,
    "--log.level=warn",
  ];
  const child = spawn("prometheus", args, { stdio: ["ignore", "ignore", "pipe"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const ended = once(child, "close");
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const close = async () => {
    child.kill("SIGKILL");
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      const { status } = await fetch(`http://${address}/-/ready`);
      if (status !== 200) throw new Error(`Prometheus isn't ready: ${status}`);
    });
  } catch (cause) {
    await close();
    throw new Error(`Prometheus didn't start:\n${log}`, { cause });
  }
  return { ...questionsTo(address), close };
}

function questionsTo(address: string): Omit<RunningPrometheus, "close"> {
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`http://${address}/api/v1/${path}`);
    const { data, error } = (await answer.json()) as { data?: T; error?: string };
    if (data === undefined) throw new Error(`${path}: ${error}`);
    return data;
  };
  const query = async (promql: string): Promise<readonly PrometheusSample[]> => {
    const { result } = await ask<{ result: readonly VectorElement[] }>(
      `query?query=${encodeURIComponent(promql)}`,
    );
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  };
  return {
    query,
    async number(promql) {
      const [first, ...others] = await query(promql);
      if (others.length > 0) throw new Error(`${promql} has ${others.length + 1} values`);
      return first?.value ?? 0;
    },
    async targets() {
      const { activeTargets } = await ask<{ activeTargets: readonly PrometheusTarget[] }>("targets");
      return activeTargets;
    },
  };
}

interface VectorElement {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** On loopback. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
