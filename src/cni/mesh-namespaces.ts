// Keeps the list of the mesh's namespaces in a file beside the socket, where the shim finds it when this process is gone,
// and a successor of this process while the API server can't be asked. The file's age tells how long it is gone.

import { readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { isMeshNamespace } from "./pod-decision.ts";

export interface MeshNamespacesOptions {
  readonly client: ApiClient;
  readonly path: string;
  readonly excludedNamespaces: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

export interface MeshNamespaces {
  /** As last known. */
  has(namespace: string): boolean;
  /** The file stays, for a successor. */
  close(): Promise<void>;
  /** Closes, and removes the file: there is no mesh any more. */
  remove(): Promise<void>;
}

/** Between two lists, also where the API server has just failed. */
const PAUSE_MS = 1_000;
const TOUCH_MS = 30_000;
const WATCH_SECONDS = 60;
const NAMESPACES = "/api/v1/namespaces";

/** Resolves when it has what its predecessor knew; asking the API server goes on from there. */
export async function startMeshNamespaces(options: MeshNamespacesOptions): Promise<MeshNamespaces> {
  const { clock, log, path } = options;
  const stop = new AbortController();
  const { signal } = stop;
  let listed = await readFile(path, "utf8").catch(() => undefined);
  const follow = async () => {
    const { resourceVersion, text } = await listMeshNamespaces(options);
    if (text !== listed && !signal.aborted) await writeWhole(path, text);
    listed = text;
    await untilChange(options, { resourceVersion, signal });
  };
  const following = repeat(options, { signal, pauseMs: PAUSE_MS }, () =>
    follow().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) log.warn({ reason }, "namespaces not read");
    }),
  );
  const touching = repeat(options, { signal, pauseMs: TOUCH_MS }, async () => {
    const seconds = clock.now() / 1_000;
    // There is none before the API server has answered for the first time.
    await utimes(path, seconds, seconds).catch(() => undefined);
  });
  const close = async () => {
    stop.abort();
    await Promise.all([following, touching]);
  };
  return {
    has: (namespace) => listed?.split("\n").includes(namespace) === true,
    close,
    async remove() {
      await close();
      await rm(path, { force: true });
    },
  };
}

interface NamespaceList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items?: readonly {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  }[];
}

async function listMeshNamespaces({ client, excludedNamespaces }: MeshNamespacesOptions) {
  // The server's cache is good enough: what is newer comes by the watch.
  const request = { path: NAMESPACES, query: { resourceVersion: "0" } };
  const { items = [], metadata } = (await client.request(request)) as NamespaceList;
  const names = items
    .filter(({ metadata }) => isMeshNamespace(metadata.labels) && !excludedNamespaces.includes(metadata.name))
    .map(({ metadata }) => `${metadata.name}\n`);
  return { resourceVersion: metadata.resourceVersion, text: names.sort().join("") };
}

/** Namespaces change so seldom that one change, whatever it is, is worth a new list. */
async function untilChange(
  { client, clock }: MeshNamespacesOptions,
  { resourceVersion, signal }: { readonly resourceVersion: string; readonly signal: AbortSignal },
): Promise<void> {
  const query = { watch: "true", resourceVersion, timeoutSeconds: `${WATCH_SECONDS}` };
  const response = await client.open({ path: NAMESPACES, query, signal });
  // The server ends it in time, unless the connection is dead.
  const cancel = clock.after(2 * WATCH_SECONDS * 1_000, () => response.destroy());
  await new Promise<void>((resolve) => {
    response.once("data", () => response.destroy());
    response.once("error", () => undefined);
    response.once("close", resolve);
  });
  cancel();
}

interface Repetition {
  readonly signal: AbortSignal;
  readonly pauseMs: number;
}

/** Resolves when the signal has come and the last turn is over. */
async function repeat(
  { clock }: Pick<MeshNamespacesOptions, "clock">,
  { signal, pauseMs }: Repetition,
  act: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await act();
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const finish = () => {
        cancel();
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const cancel = clock.after(pauseMs, finish);
      signal.addEventListener("abort", finish);
    });
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.staged`, text);
  await rename(`${path}.staged`, path);
}
