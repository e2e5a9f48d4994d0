// Keeps our plugin in the node's CNI configuration for as long as it is open: chained into the network that the runtime
// uses, again whenever somebody rewrites it. Files change by one rename, so that no runtime reads half of one.

import { watch } from "node:fs";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Logger } from "../core/logger.ts";
import type { ConfigurationFile, ShimConfiguration } from "./network-configuration.ts";
import { chainPlugin, isChained, isNetwork, unchainPlugin } from "./network-configuration.ts";

export interface ChainedConfiguration {
  /** Whether pods are led through us now; false where no network is configured yet. */
  readonly isInstalled: boolean;
  /** Looks at the folder now; calls come one after the other. */
  check(): Promise<void>;
  /** Stops watching and leaves the configuration as it is, for a successor. */
  close(): Promise<void>;
  /** Takes the plugin out of every configuration, then stops. */
  uninstall(): Promise<void>;
}

export interface ChainedConfigurationOptions {
  /** `/etc/cni/net.d` of the node. */
  readonly directory: string;
  readonly plugin: ShimConfiguration;
  readonly log: Logger;
}

/** Resolves after the first look. */
export async function openChainedConfiguration(
  options: ChainedConfigurationOptions,
): Promise<ChainedConfiguration> {
  const { directory, plugin, log } = options;
  let isInstalled = false;
  let isClosed = false;
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    turn = turn.then(act, act);
    return turn;
  };
  const check = () =>
    inTurn(async () => {
      if (isClosed) return;
      const found = await primaryConfiguration(directory);
      isInstalled = found !== undefined;
      if (found === undefined || isChained(found.text, plugin)) return;
      await chainInto(directory, found, plugin);
      log.info({ file: found.name }, "plugin chained");
    });
  const reportFailure = (error: unknown) =>
    log.error({ reason: error instanceof Error ? error.message : String(error) }, "plugin not chained");
  const watcher = watch(directory, () => void check().catch(reportFailure));
  watcher.on("error", reportFailure);
  const close = () => {
    isClosed = true;
    watcher.close();
    return turn.catch(() => undefined);
  };
  await check();
  return {
    get isInstalled() {
      return isInstalled;
    },
    check,
    close,
    async uninstall() {
      await close();
      await unchainAll(directory);
      isInstalled = false;
      log.info({ directory }, "plugin taken out");
    },
  };
}

/** The first by name that is a configuration, as runtimes choose it. */
async function primaryConfiguration(directory: string): Promise<ConfigurationFile | undefined> {
  for (const name of await configurationNames(directory)) {
    const text = await readFile(join(directory, name), "utf8").catch(() => "");
    if (isNetwork(text)) return { name, text };
  }
  return undefined;
}

async function configurationNames(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names.filter((name) => [".conf", ".conflist", ".json"].includes(extname(name))).sort();
}

async function chainInto(
  directory: string,
  found: ConfigurationFile,
  plugin: ShimConfiguration,
): Promise<void> {
  const chained = chainPlugin(found, plugin);
  if (chained !== undefined) await replaceFile(directory, found, chained);
}

async function unchainAll(directory: string): Promise<void> {
  for (const name of await configurationNames(directory)) {
    const text = await readFile(join(directory, name), "utf8").catch(() => "");
    const found = { name, text };
    const without = unchainPlugin(found);
    if (without !== found) await replaceFile(directory, found, without);
  }
}

/** The new one comes first: a runtime never finds none, and whichever of the two it finds makes a network. */
async function replaceFile(directory: string, from: ConfigurationFile, to: ConfigurationFile): Promise<void> {
  await writeWhole(directory, to);
  if (to.name !== from.name) await rm(join(directory, from.name), { force: true });
}

/** The staging name has an ending that no runtime reads. */
async function writeWhole(directory: string, { name, text }: ConfigurationFile): Promise<void> {
  const staging = join(directory, `.${name}.${process.pid}.staged`);
  await writeFile(staging, text, { mode: 0o600 });
  await rename(staging, join(directory, name));
}
