// Lets a Prometheus on this machine scrape the mesh: keeps the file by which it discovers the pods, and relays what it asks
// for to them.

import type { AddressInfo, Server } from "node:net";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { parseObjectKey } from "../../core/object-key.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { WorkloadStore } from "../workloads/workload-store.ts";
import { relayScrapes, type ScrapeRelay } from "./scrape-relay.ts";
import { type ScrapeTarget, scrapeTargetsOf } from "./scrape-targets.ts";
import { buildTargetFile, type ScrapePorts, writeTargetFile } from "./target-file.ts";

export interface ScrapingOptions {
  readonly store: Pick<WorkloadStore, "list" | "watch">;
  /** Its directory is made where it is missing. */
  readonly targetFile: string;
  readonly clock: Clock;
  readonly log: Logger;
}

// A rollout is many changes within a moment, and Prometheus takes its time to read them.
const SETTLE_MS = 250;
const RETRY_MS = 5_000;

export class Scraping {
  readonly #options: ScrapingOptions;
  readonly #endWatch: () => void;
  #targetsByPath: ReadonlyMap<string, ScrapeTarget> = new Map();
  #ports: ScrapePorts = {};
  #relay: ScrapeRelay | undefined;
  #written: string | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: ScrapingOptions) {
    this.#options = options;
    this.#endWatch = options.store.watch((changes) => {
      if ([...changes.keys()].some((key) => parseObjectKey(key).kind === "Pod")) this.#schedule(SETTLE_MS);
    });
    this.#schedule(0);
  }

  /** The machine's listener for scrapes of pods. */
  attachRelay(server: Server): void {
    this.#relay?.close();
    const { log } = this.#options;
    this.#relay = relayScrapes(server, { pageAt: (path) => this.#targetsByPath.get(path)?.page, log });
    this.#setPorts({ relay: portOf(server) });
  }

  /** The machine's listener for the control plane's pages. */
  noteControlPlane(server: Server): void {
    this.#setPorts({ controlPlane: portOf(server) });
  }

  /** Leaves a file that names no target. */
  close(): void {
    this.#endWatch();
    this.#cancel?.();
    this.#relay?.close();
    this.#write(buildTargetFile([], {}));
  }

  #setPorts(ports: ScrapePorts): void {
    this.#ports = { ...this.#ports, ...ports };
    this.#schedule(0);
  }

  #schedule(afterMs: number): void {
    this.#cancel ??= this.#options.clock.after(afterMs, () => {
      this.#cancel = undefined;
      const targets = scrapeTargetsOf(this.#options.store.list("Pod") as readonly Pod[]);
      this.#targetsByPath = new Map(targets.map((target) => [target.relayPath, target]));
      if (!this.#write(buildTargetFile(targets, this.#ports))) this.#schedule(RETRY_MS);
    });
  }

  #write(text: string): boolean {
    if (text === this.#written) return true;
    const { targetFile, log } = this.#options;
    try {
      writeTargetFile(targetFile, text);
      this.#written = text;
      return true;
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause);
      log.warn({ file: targetFile, error }, "scrape targets not written");
      return false;
    }
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
