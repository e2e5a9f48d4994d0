// The listening sockets whose connections the control plane gets: the machine's ports, which the front opened, and one for
// each pod's Envoy. They stay while the control plane is away.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { PodOwner } from "../../core/stream-identity.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { type ConnectionPassing, passConnections } from "./child-connections.ts";

export interface ControlPlaneSocketsOptions {
  /** The control plane once it takes connections. */
  readonly receiver: () => ChildProcess | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface PodSocketOptions {
  /** In a directory that only this pod's Envoy can reach; what is there is replaced. */
  readonly path: string;
  readonly owner: PodOwner;
  /** Who alone may connect. */
  readonly user: { readonly uid: number; readonly gid: number };
}

/** The name that pods' connections are passed under; no port of the machine has it. */
export const POD_CONNECTIONS = "pod";

export class ControlPlaneSockets {
  readonly #options: ControlPlaneSocketsOptions;
  readonly #passing = new Set<ConnectionPassing>();

  constructor(options: ControlPlaneSocketsOptions) {
    this.#options = options;
  }

  /** Returns what closes the port. */
  attach(name: string, server: Server): () => void {
    return this.#pass(server, { name });
  }

  /** Resolves, once the pod's Envoy can connect, with what removes the socket. */
  async openForPod({ path, owner, user }: PodSocketOptions): Promise<() => void> {
    await rm(path, { force: true });
    const server = createServer();
    const close = this.#pass(server, { name: POD_CONNECTIONS, owner });
    try {
      await once(server.listen(path), "listening");
      await chmod(path, 0o600);
      await chown(path, user.uid, user.gid);
      return close;
    } catch (cause) {
      close();
      throw cause;
    }
  }

  /** The control plane takes connections again. */
  release(): void {
    for (const passing of this.#passing) passing.release();
  }

  #pass(server: Server, origin: { readonly name: string; readonly owner?: PodOwner }): () => void {
    const passing = passConnections(server, { ...this.#options, ...origin });
    this.#passing.add(passing);
    return () => {
      this.#passing.delete(passing);
      passing.close();
    };
  }
}

export function podOwner({ metadata, spec }: Pod): PodOwner {
  const { namespace, name, uid = "" } = metadata;
  return { namespace, serviceAccount: spec.serviceAccountName ?? "default", pod: { name, uid } };
}
