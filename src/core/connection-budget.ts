// How many connections a port that is open to the network holds, whose they are, and which go first when more come: those
// that haven't shown a reason to be there, then those that do nothing. What a proof is, its server knows.

import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

/** A socket, or one that is wrapped around it: both name the same connection. */
export interface BudgetedSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}

export interface ConnectionBudgetLimits {
  readonly maxConnections: number;
  /** Of `maxConnections`, how many may be without proof. */
  readonly maxUnproven: number;
  readonly maxPerAddress: number;
  /** A connection that has proven nothing by then is closed. */
  readonly proofTimeoutMs: number;
}

export interface Admission {
  /** A handshake with a certificate, a request that is complete, an answer that was given. Each one makes it the newest. */
  proven(): void;
  /** A proven connection that is busy isn't closed for others. */
  setBusy(isBusy: boolean): void;
}

interface Entry extends Admission {
  readonly key: string;
  readonly address: string;
  readonly socket: BudgetedSocket;
  readonly admittedMs: number;
  state: "unproven" | "idle" | "busy";
}

/** Sets keep the order of insertion: the oldest comes first. */
interface AddressShare {
  readonly unproven: Set<Entry>;
  readonly idle: Set<Entry>;
  count: number;
}

/** No handshake takes that long where the machine keeps up. */
const STALE_MS = 3_000;
const REPORT_PERIOD_MS = 10_000;

export class ConnectionBudget {
  readonly #limits: ConnectionBudgetLimits;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #shares = new Map<string, AddressShare>();
  readonly #unproven = new Set<Entry>();
  readonly #idle = new Set<Entry>();
  #turnedAwayCount = 0;

  constructor(
    limits: ConnectionBudgetLimits,
    { clock, log }: { readonly clock: Clock; readonly log: Logger },
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
  }

  get connectionCount(): number {
    return this.#entries.size;
  }

  /** Takes a connection in, closing another where it must; false: there was no room, and this one is closed. */
  admit(socket: BudgetedSocket): boolean {
    const address = addressOf(socket);
    if (!this.#makeRoom(address)) {
      this.#turnAway(socket);
      return false;
    }
    this.#add(socket, address);
    return true;
  }

  /** Undefined for a connection that is gone, or was never admitted. */
  admissionOf(socket: Omit<BudgetedSocket, "destroy" | "once">): Admission | undefined {
    return this.#entries.get(keyOf(socket));
  }

  #makeRoom(address: string): boolean {
    const { maxConnections, maxPerAddress, maxUnproven } = this.#limits;
    const own = this.#shares.get(address);
    if (
      own !== undefined &&
      own.count >= maxPerAddress &&
      !this.#evict(oldestOf(own.unproven) ?? oldestOf(own.idle))
    )
      return false;
    if (this.#unproven.size >= maxUnproven) return this.#evict(this.#leastWelcome());
    if (this.#entries.size < maxConnections) return true;
    return this.#evict(this.#leastWelcome() ?? oldestOf(this.#idle));
  }

  /**
   * Of those without proof the oldest, once it takes longer than a handshake does. Who comes faster than that competes with
   * what comes from the same address only.
   */
  #leastWelcome(): Entry | undefined {
    const oldest = oldestOf(this.#unproven);
    if (oldest === undefined || this.#clock.now() - oldest.admittedMs >= STALE_MS) return oldest;
    let largest: ReadonlySet<Entry> | undefined;
    for (const { unproven } of this.#shares.values()) {
      if (unproven.size > (largest?.size ?? 0)) largest = unproven;
    }
    return largest === undefined ? oldest : oldestOf(largest);
  }

  #evict(entry: Entry | undefined): boolean {
    if (entry === undefined) return false;
    this.#remove(entry);
    this.#turnAway(entry.socket);
    return true;
  }

  #turnAway(socket: BudgetedSocket): void {
    socket.destroy();
    this.#turnedAwayCount += 1;
    if (this.#turnedAwayCount > 1) return;
    // A flood of connections must not become one of lines.
    this.#clock.after(REPORT_PERIOD_MS, () => {
      this.#log.warn(
        { turnedAwayCount: this.#turnedAwayCount, connectionCount: this.#entries.size },
        "connections over the budget were closed",
      );
      this.#turnedAwayCount = 0;
    });
  }

  #add(socket: BudgetedSocket, address: string): void {
    const key = keyOf(socket);
    const entry: Entry = {
      key,
      address,
      socket,
      admittedMs: this.#clock.now(),
      state: "unproven",
      proven: () => this.#move(entry, entry.state === "busy" ? "busy" : "idle"),
      setBusy: (isBusy) => {
        if (entry.state !== "unproven") this.#move(entry, isBusy ? "busy" : "idle");
      },
    };
    const share = this.#shares.get(address) ?? { unproven: new Set(), idle: new Set(), count: 0 };
    this.#shares.set(address, share);
    share.count += 1;
    share.unproven.add(entry);
    this.#unproven.add(entry);
    this.#entries.set(key, entry);
    const cancel = this.#clock.after(this.#limits.proofTimeoutMs, () => {
      if (entry.state === "unproven") this.#evict(entry);
    });
    socket.once("close", () => {
      cancel();
      this.#remove(entry);
    });
  }

  #move(entry: Entry, state: Entry["state"]): void {
    const share = this.#shares.get(entry.address);
    if (share === undefined || this.#entries.get(entry.key) !== entry) return;
    this.#unlist(entry, share);
    entry.state = state;
    if (state !== "idle") return;
    share.idle.add(entry);
    this.#idle.add(entry);
  }

  #remove(entry: Entry): void {
    const share = this.#shares.get(entry.address);
    if (share === undefined || this.#entries.get(entry.key) !== entry) return;
    this.#entries.delete(entry.key);
    this.#unlist(entry, share);
    share.count -= 1;
    if (share.count === 0) this.#shares.delete(entry.address);
  }

  #unlist(entry: Entry, share: AddressShare): void {
    for (const list of [share.unproven, share.idle, this.#unproven, this.#idle]) list.delete(entry);
  }
}

function oldestOf(entries: ReadonlySet<Entry>): Entry | undefined {
  const [oldest] = entries;
  return oldest;
}

/** A closed socket has lost its names: the key is taken while it is open. */
function keyOf({
  remoteAddress,
  remotePort,
  localAddress,
}: Omit<BudgetedSocket, "destroy" | "once">): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

/** A socket that listens for both families names IPv4 clients in the form of IPv6. */
function addressOf({ remoteAddress = "" }: BudgetedSocket): string {
  return remoteAddress.replace(/^::ffff:/, "");
}
