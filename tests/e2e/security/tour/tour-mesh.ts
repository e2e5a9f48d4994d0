// The mesh that the attacker walks through, and how attacks are made: byte by byte, from a pod without a sidecar, which
// nothing cleans up after. Each carries a mark, by which its line in an access log is found.

import assert from "node:assert/strict";
import { eventually } from "../../mesh/eventually.ts";
import type { PodClient } from "../../mesh/pod-client.ts";
import { type RunningMesh, startMesh } from "../../mesh/running-mesh.ts";
import { tourManifests } from "./tour-manifests.ts";

export interface Tour {
  readonly mesh: RunningMesh;
  /** A pod without a sidecar: the attacker's. */
  readonly attacker: PodClient;
  /** Of the ServiceAccount that `vault` lets in, and of one that it doesn't. */
  readonly client: PodClient;
  readonly second: PodClient;
  /** Lines that access logs will have. */
  readonly wanted: WantedLine[];
  /** Of the first pod of a workload. */
  addressOf(workload: string): Promise<string>;
}

export interface WantedLine {
  readonly workload: string;
  readonly words: readonly string[];
}

const LOG_DEADLINE_MS = 25_000;

/** `jwks`: of the token issuer that the mesh trusts. */
export async function startTour(jwks: string): Promise<Tour> {
  const manifests = ["legacy.yaml", "second-client.yaml", "gateway.yaml"];
  const mesh = await startMesh({ manifests, files: { "tour.yaml": tourManifests(jwks) } });
  const [attacker, client, second] = await Promise.all(
    ["legacy", "client", "client-two"].map((name) => mesh.client(name)),
  );
  assert.ok(attacker !== undefined && client !== undefined && second !== undefined);
  const addressOf = async (workload: string) => (await mesh.pods(workload))[0]?.ip ?? "";
  return { mesh, attacker, client, second, addressOf, wanted: [] };
}

export interface RawRequest {
  /** The workload whose pod is called by its address. */
  readonly to: string;
  readonly port?: number;
  readonly target?: string;
  readonly method?: string;
  readonly host?: string;
  /** Whole lines. */
  readonly headers?: readonly string[];
}

export interface RawAnswer {
  /** 0 where none came. */
  readonly status: number;
  readonly text: string;
  /** What the application saw; undefined where it wasn't reached. */
  readonly seen: { readonly path: string; readonly headers: Readonly<Record<string, string>> } | undefined;
  /** In the request's user agent. */
  readonly mark: string;
}

/** HTTP/1.1 in plain text, every byte as it is given. */
export async function rawRequest(tour: Tour, attack: RawRequest): Promise<RawAnswer> {
  const { to, port = 8080, target = "/", method = "GET", host = "echo", headers = [] } = attack;
  const mark = newMark();
  const lines = [`${method} ${target} HTTP/1.1`, `host: ${host}`, `user-agent: ${mark}`, ...headers];
  const send = `${[...lines, "connection: close"].join("\r\n")}\r\n\r\n`;
  const address = await tour.addressOf(to);
  const { received } = await tour.attacker.tcp({ host: address, port, send, timeoutMs: 5_000 });
  return { ...parseAnswer(received), mark };
}

function parseAnswer(text: string): Omit<RawAnswer, "mark"> {
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0);
  const json = /\{"version".*\}/.exec(text)?.[0];
  return { status, text, seen: json === undefined ? undefined : JSON.parse(json) };
}

export function newMark(): string {
  return `mark-${Math.random().toString(36).slice(2)}`;
}

/** Says that a workload's access log has, or will have, a line with all the words. Envoy writes it every ten seconds. */
export function willLog({ wanted }: Tour, workload: string, ...words: readonly string[]): void {
  wanted.push({ workload, words });
}

/** Resolves when all lines are there that were said to come. */
export async function untilAllLogged(tour: Tour): Promise<void> {
  for (const workload of new Set(tour.wanted.map((each) => each.workload))) {
    const ofWorkload = tour.wanted.filter((each) => each.workload === workload);
    await eventually(
      async () => {
        const lines = await logLines(tour, workload);
        const isThere = ({ words }: WantedLine) =>
          lines.some((line) => words.every((word) => line.includes(word)));
        const missing = ofWorkload.filter((each) => !isThere(each));
        const last = lines.slice(-5).join("\n");
        assert.equal(
          missing.length,
          0,
          `no line of ${workload} has ${missing[0]?.words.join(" and ")}:\n${last}`,
        );
      },
      { deadlineMs: LOG_DEADLINE_MS },
    );
  }
}

/** Resolves with the line of a workload's access log that has all the words. */
export function logged(tour: Tour, workload: string, ...words: readonly string[]): Promise<string> {
  return eventually(
    async () => {
      const lines = await logLines(tour, workload);
      const found = lines.find((line) => words.every((word) => line.includes(word)));
      assert.ok(found !== undefined, `no line of ${workload} has ${words.join(" and ")}`);
      return found;
    },
    { deadlineMs: LOG_DEADLINE_MS },
  );
}

export async function logLines({ mesh }: Tour, workload: string): Promise<readonly string[]> {
  return (await mesh.logs(workload, "istio-proxy")).map(({ text }) => text);
}
