// The file by which a Prometheus on this machine discovers what to scrape of the mesh (`file_sd_configs`): it follows the
// file by itself, so targets come and go with pods.

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { ScrapeTarget } from "./scrape-targets.ts";

/** Ports of the machine's loopback; undefined where one couldn't be had. */
export interface ScrapePorts {
  readonly relay?: number;
  readonly controlPlane?: number;
}

/** Prometheus's format: a list of groups, each with addresses and the labels of what is scraped there. */
export function buildTargetFile(targets: readonly ScrapeTarget[], ports: ScrapePorts): string {
  const { relay, controlPlane } = ports;
  const groups = [
    ...(controlPlane === undefined ? [] : [controlPlaneGroup(controlPlane)]),
    ...(relay === undefined ? [] : targets.map((target) => podGroup(target, relay))),
  ];
  return `${JSON.stringify(groups, undefined, 2)}\n`;
}

function podGroup({ relayPath, labels }: ScrapeTarget, port: number) {
  return { targets: [`127.0.0.1:${port}`], labels: { ...labels, __metrics_path__: relayPath } };
}

/** By the name that dashboards of the control plane ask for. */
function controlPlaneGroup(port: number) {
  const labels = { app: "istiod", namespace: "istio-system", __metrics_path__: "/metrics" };
  return { targets: [`127.0.0.1:${port}`], labels };
}

/** Whole or not at all: a reader never sees half of it. Throws where it can't be written. */
export function writeTargetFile(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  // By another ending: file_sd would read a `*.json` beside it as a file of its own.
  const temporary = `${file}.new`;
  writeFileSync(temporary, text, { mode: 0o644 });
  renameSync(temporary, file);
}
