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
  /** Writes the file now. Rejects while the API server can't be asked; the file then stays as it was. */
  refresh(): Promise<void>;
  close(): void;
  /** Closes, and removes the file: there is no mesh any more. */
  remove(): Promise<void>;
}

const PERIOD_MS = 30_000;

export async function startMeshNamespaces(options: MeshNamespacesOptions): Promise<MeshNamespaces> {
  const { clock, log, path } = options;
  let isClosed = false;
  let cancel: (() => void) | undefined;
  let written = await readFile(path, "utf8").catch(() => "");
  let turn: Promise<void> = Promise.resolve();
  const write = async () => {
    const text = await listMeshNamespaces(options);
    if (text === written || isClosed) return;
    await writeFile(`${path}.staged`, text);
    await rename(`${path}.staged`, path);
    written = text;
  };
  // One after the other: two would rename each other's staged file away.
  const refresh = () => {
    turn = turn.then(write, write);
    return turn;
  };
  const touch = async () => {
    const seconds = clock.now() / 1_000;
    // There is none before the API server has answered for the first time.
    if (!isClosed) await utimes(path, seconds, seconds).catch(() => undefined);
  };
  const tick = () => {
    void refresh()
      .catch((error: unknown) =>
        log.warn({ reason: error instanceof Error ? error.message : String(error) }, "namespaces not read"),
      )
      .finally(async () => {
        await touch();
        if (!isClosed) cancel = clock.after(PERIOD_MS, tick);
      });
  };
  tick();
  const close = () => {
    isClosed = true;
    cancel?.();
  };
  return {
    has: (namespace) => written.split("\n").includes(namespace),
    refresh,
    close,
    async remove() {
      close();
      await turn.catch(() => undefined);
      await rm(path, { force: true });
    },
  };
}

interface NamespaceList {
  readonly items?: readonly {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  }[];
}

async function listMeshNamespaces({ client, excludedNamespaces }: MeshNamespacesOptions): Promise<string> {
  const request = { path: "/api/v1/namespaces", query: { resourceVersion: "0" } };
  const { items = [] } = (await client.request(request)) as NamespaceList;
  return items
    .filter(({ metadata }) => isMeshNamespace(metadata.labels) && !excludedNamespaces.includes(metadata.name))
    .map(({ metadata }) => `${metadata.name}\n`)
    .sort()
    .join("");
}
