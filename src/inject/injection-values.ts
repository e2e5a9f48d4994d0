// Which of an installation's `values` are settings of injection here, as a table under Istio's names; templates see all
// of them. Images aren't among them: those of Istio's charts hold another agent.

import { checkForm } from "../kinds/check-form.ts";
import { resourceRequirements } from "../kinds/pod/container.ts";
import { seccompProfile } from "../kinds/pod/security-context.ts";
import type { Schema } from "../kinds/schema.ts";
import { choice, flag, integer, list, text } from "../kinds/schema.ts";
import { captureAnnotations } from "./capture-annotations.ts";
import type { InjectionSettings, ReadinessTiming } from "./injection-settings.ts";
import { defaultInjectionSettings } from "./injection-settings.ts";
import type { Fields } from "./strategic-merge.ts";
import { isFields } from "./strategic-merge.ts";

type Settings = Partial<InjectionSettings>;

interface ValueDeclaration {
  /** Such as `global.proxy.logLevel`. */
  readonly path: string;
  /** What a user reads of it. */
  readonly effect: string;
  read(value: unknown, path: string, settings: Settings): readonly ValueFault[] | Settings;
}

export interface ValueFault {
  readonly path: string;
  readonly fault: string;
}

export const injectionValues: readonly ValueDeclaration[] = [
  declare("global.imagePullPolicy", choice("", "Always", "IfNotPresent", "Never"), {
    effect: "of the containers that injection adds",
    apply: (policy) => ({ imagePullPolicy: policy === "" ? undefined : policy }),
  }),
  declare("global.imagePullSecrets", list(text()), {
    effect: "Secrets of the pod's namespace, added to the pod's own",
    apply: (names) => ({ imagePullSecrets: names }),
  }),
  declare("global.network", text(), {
    effect: "the network that pods are in, where no label says it",
    apply: (network) => ({ network }),
  }),
  declare("global.multiCluster.clusterName", text(), {
    effect: "the name of the pods' cluster",
    apply: (name) => (name === "" ? {} : { clusterId: name }),
  }),
  declare("global.proxy.resources", resourceRequirements, {
    effect: "the proxy's requests and limits, where no annotation says them",
    apply: (amounts) => ({ proxyResources: amounts }),
  }),
  declare("global.proxy.seccompProfile", seccompProfile, {
    effect: 'the proxy\'s; "RuntimeDefault" unless given',
    apply: (profile) => ({ seccompProfile: profile }),
  }),
  declare("global.proxy.logLevel", text(), {
    effect: "Envoy's, where no annotation says it",
    apply: (proxy, { logLevels }) => ({ logLevels: { ...levels(logLevels), proxy } }),
  }),
  declare("global.proxy.componentLogLevel", text(), {
    effect: "Envoy's by component, where no annotation says it",
    apply: (components, { logLevels }) => ({ logLevels: { ...levels(logLevels), components } }),
  }),
  declare("global.logging.level", text(), {
    effect: "the agent's, where no annotation says it",
    apply: (agent, { logLevels }) => ({ logLevels: { ...levels(logLevels), agent } }),
  }),
  ...readinessValue("readinessInitialDelaySeconds", "initialDelaySeconds", 0),
  ...readinessValue("readinessPeriodSeconds", "periodSeconds", 1),
  ...readinessValue("readinessFailureThreshold", "failureThreshold", 1),
  ...captureValue("includeIPRanges", "includeOutboundIPRanges"),
  ...captureValue("excludeIPRanges", "excludeOutboundIPRanges"),
  ...captureValue("includeInboundPorts", "includeInboundPorts"),
  ...captureValue("excludeInboundPorts", "excludeInboundPorts"),
  ...captureValue("includeOutboundPorts", "includeOutboundPorts"),
  ...captureValue("excludeOutboundPorts", "excludeOutboundPorts"),
  declare("sidecarInjectorWebhook.rewriteAppHTTPProbe", flag(), {
    effect: "the app's probes by way of the agent, where no annotation says it",
    apply: (rewritesProbes) => ({ rewritesProbes }),
  }),
];

export function settingsOfValues(values: Fields): {
  readonly settings: Settings;
  readonly faults: readonly ValueFault[];
} {
  let settings: Settings = {};
  const faults: ValueFault[] = [];
  for (const { path, read } of injectionValues) {
    const value = path
      .split(".")
      .reduce<unknown>((outer, key) => (isFields(outer) ? outer[key] : undefined), values);
    if (value === undefined || value === null) continue;
    const result = read(value, path, settings);
    if (isFaults(result)) faults.push(...result);
    else settings = { ...settings, ...result };
  }
  return { settings, faults };
}

interface ValueMeaning<T> {
  readonly effect: string;
  apply(value: T, settings: Settings): Settings;
}

function declare<T>(path: string, schema: Schema<T>, { effect, apply }: ValueMeaning<T>): ValueDeclaration {
  const read = (value: unknown, place: string, settings: Settings) => {
    const { findings, value: regular } = checkForm(schema, value, { isLenient: true, path: place });
    if (findings.length === 0) return apply(regular as T, settings);
    return findings.map((found) => ({ path: found.path, fault: found.message }));
  };
  return { path, effect, read };
}

function levels(logLevels: InjectionSettings["logLevels"] | undefined): InjectionSettings["logLevels"] {
  return logLevels ?? defaultInjectionSettings.logLevels;
}

function readinessValue(name: string, field: keyof ReadinessTiming, least: number): ValueDeclaration[] {
  const meaning: ValueMeaning<number> = {
    effect: `\`${field}\` of the proxy's readiness probe`,
    apply: (value, { readiness = defaultInjectionSettings.readiness }) => ({
      readiness: { ...readiness, [field]: value },
    }),
  };
  return [declare(`global.proxy.${name}`, integer(least, 2 ** 31 - 1), meaning)];
}

/** An empty one is Istio's default, and says nothing. */
function captureValue(name: string, annotation: string): ValueDeclaration[] {
  const declaration = captureAnnotations.find(
    (known) => known.name === `traffic.sidecar.istio.io/${annotation}`,
  );
  if (declaration === undefined) throw new Error(`There is no capture annotation ${annotation}`);
  const meaning: ValueMeaning<string> = {
    effect: `what the annotation \`${declaration.name}\` says of other pods`,
    apply: (value, { captureDefaults = {} }) =>
      value === "" ? {} : { captureDefaults: { ...captureDefaults, [declaration.name]: value } },
  };
  return [declare(`global.proxy.${name}`, text(), meaning)];
}

function isFaults(result: readonly ValueFault[] | Settings): result is readonly ValueFault[] {
  return Array.isArray(result);
}
