// How far one proxy is in step: what was sent of each type, what it acknowledged, what it refused.

import type { ResourceType } from "../xds/resource-type.ts";

/** `synced`: all that was sent was accepted; `stale`: sent and not answered yet, or refused; `not-sent`: nothing was. */
export type SyncState = "synced" | "stale" | "not-sent";

export interface Rejection {
  readonly type: ResourceType;
  readonly detail: string;
}

interface TypeLedger {
  lastSent: string;
  /** The nonce of the last response that was accepted. */
  lastAcknowledged: string;
  rejection: Rejection | undefined;
}

export class SessionLedger {
  readonly #types = new Map<ResourceType, TypeLedger>();

  sent(type: ResourceType, nonce: string): void {
    const ledger = this.#types.get(type);
    if (ledger === undefined) {
      this.#types.set(type, { lastSent: nonce, lastAcknowledged: "", rejection: undefined });
      return;
    }
    ledger.lastSent = nonce;
  }

  acknowledged(type: ResourceType, nonce: string): void {
    const ledger = this.#types.get(type);
    if (ledger === undefined) return;
    ledger.lastAcknowledged = nonce;
    ledger.rejection = undefined;
  }

  rejected(type: ResourceType, detail: string): void {
    const ledger = this.#types.get(type);
    if (ledger !== undefined) ledger.rejection = { type, detail };
  }

  stateOf(type: ResourceType): SyncState {
    const ledger = this.#types.get(type);
    if (ledger === undefined) return "not-sent";
    return ledger.lastSent === ledger.lastAcknowledged && ledger.rejection === undefined ? "synced" : "stale";
  }

  /** Of the last response of a type, and of the last one that was accepted; empty where there was none. */
  noncesOf(type: ResourceType): { readonly sent: string; readonly acknowledged: string } {
    const { lastSent = "", lastAcknowledged = "" } = this.#types.get(type) ?? {};
    return { sent: lastSent, acknowledged: lastAcknowledged };
  }

  rejections(): readonly Rejection[] {
    return [...this.#types.values()].flatMap(({ rejection }) => (rejection === undefined ? [] : [rejection]));
  }
}
