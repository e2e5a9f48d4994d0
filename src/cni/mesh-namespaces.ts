// Keeps the list of the mesh's namespaces in a file beside the socket, where the shim finds it when this process is gone.

import { rename, writeFile } from "node:fs/promises";
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
  /** Writes the file now. Rejects while the API server can't be asked; the file then stays as it was. */
  refresh(): Promise<void>;
  close(): void;
}

const PERIOD_MS = 30_000;

export function startMeshNamespaces(options: MeshNamespacesOptions): MeshNamespaces {
  const { clock, log } = options;
  let isClosed = false;
  let cancel: (() => void) | undefined;
  let written: string | undefined;
  let turn: Promise<void> = Promise.resolve();
  const write = async () => {
    const text = await listMeshNamespaces(options);
    if (text === written) return;
    await writeFile(`${options.path}.staged`, text);
    await rename(`${options.path}.staged`, options.path);
    written = text;
  };
  // One after the other: two would rename each other's staged file away.
  const refresh = () => {
    turn = turn.then(write, write);
    return turn;
  };
  const tick = () => {
    void refresh()
      .catch((error: unknown) =>
        log.warn({ reason: error instanceof Error ? error.message : String(error) }, "namespaces not read"),
      )
      .finally(() => {
        if (!isClosed) cancel = clock.after(PERIOD_MS, tick);
      });
  };
  tick();
  return {
    refresh,
    close() {
      isClosed = true;
      cancel?.();
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
