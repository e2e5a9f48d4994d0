// Reads the options that the commands about an installation share.

import type { CommandInput } from "./command.ts";
import { textOption } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { ClusterChoices, InstallChoices } from "./install-operations.ts";

export function installChoices(input: CommandInput): InstallChoices & ClusterChoices {
  const names = [
    ...(["profile", "namespace", "revision", "hub", "tag", "imagePullPolicy", "replicas"] as const),
    ...(["cniRepair", "cniBinDir", "cniConfDir"] as const),
  ];
  const files = { valuesFile: "values", gatewayValuesFile: "gatewayValues", meshConfigFile: "meshConfig" };
  const options = [...names.map((name) => [name, name] as const), ...Object.entries(files)];
  return {
    ...clusterChoices(input),
    ...Object.fromEntries(
      options.flatMap(([choice, option]) => {
        const value = textOption(input, option);
        return value === undefined ? [] : [[choice, value]];
      }),
    ),
  };
}

export function clusterChoices(input: CommandInput): ClusterChoices {
  const kubeconfig = textOption(input, "kubeconfig");
  const context = textOption(input, "context");
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
}

/** Of `--timeout`, such as 90s or 5m. */
export function timeoutMs(input: CommandInput, defaultMs: number): number {
  const text = textOption(input, "timeout");
  if (text === undefined) return defaultMs;
  const [, count = "", unit = ""] = /^(\d{1,6})(s|m)$/.exec(text) ?? [];
  if (count !== "") return Number(count) * (unit === "m" ? 60_000 : 1_000);
  throw new CommandFailure(exitCodes.usage, `Cannot wait for "${text}": wanted a time such as 90s or 5m`);
}
