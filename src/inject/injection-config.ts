// The mesh's configuration of injection, in the form of Istio's ConfigMap `istio-sidecar-injector`: its key `config` says
// who is injected and by which templates, its key `values` what an installation chose. What has errors is left out.

import { parse } from "yaml";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import { checkForm } from "../kinds/check-form.ts";
import type { TypeOf } from "../kinds/schema.ts";
import { anything, choice, list, map, message, text } from "../kinds/schema.ts";
import { labelSelector } from "../kinds/workload-selector.ts";
import type { InjectionSettings } from "./injection-settings.ts";
import type { InjectionTemplates } from "./injection-templates.ts";
import { isBuiltIn, noTemplates, templateProblem } from "./injection-templates.ts";
import { settingsOfValues } from "./injection-values.ts";
import type { Fields } from "./strategic-merge.ts";
import { isFields } from "./strategic-merge.ts";
import { parseTemplate } from "./template/template.ts";

export interface InjectionConfigText {
  readonly config?: string;
  readonly values?: string;
}

export interface InjectionConfig {
  /** What it says; the rest is as it was. */
  readonly settings: Partial<InjectionSettings>;
  readonly problems: readonly Problem[];
}

const configForm = message({
  policy: choice("enabled", "disabled"),
  defaultTemplates: list(text()),
  aliases: map(list(text())),
  templates: map(text()),
  neverInjectSelector: list(labelSelector),
  alwaysInjectSelector: list(labelSelector),
  injectedAnnotations: map(text()),
  // Istio's own keep old versions from reading a new ConfigMap by it.
  template: anything(),
});

/** `environment`: what templates may read by `env`. */
export function parseInjectionConfig(
  { config = "", values = "" }: InjectionConfigText,
  environment: InjectionTemplates["environment"] = {},
): InjectionConfig {
  const problems: Problem[] = [];
  const written = readKey("config", config, problems);
  const form = checkForm(configForm, written, { path: "config" });
  for (const { code, message: found, path } of form.findings) {
    // Another version's field is passed over, and all else holds.
    problems.push({ ...faultAt(path, found), severity: code === "MLT1003" ? "warning" : "error" });
  }
  const isSound = form.findings.every(({ code }) => code === "MLT1003");
  const chosen = isSound ? (form.value as TypeOf<typeof configForm>) : {};
  const installed = readKey("values", values, problems);
  const ofValues = settingsOfValues(installed);
  problems.push(...ofValues.faults.map(({ fault, path }) => faultAt(`values.${path}`, fault)));
  const templates = {
    byName: parseTemplates(chosen.templates ?? {}, problems),
    defaults: chosen.defaultTemplates ?? noTemplates.defaults,
    aliases: chosen.aliases ?? {},
    values: installed,
    environment,
  };
  return { settings: { ...ofValues.settings, ...settingsOfConfig(chosen), templates }, problems };
}

function settingsOfConfig(config: TypeOf<typeof configForm>): Partial<InjectionSettings> {
  const { alwaysInjectSelector, injectedAnnotations, neverInjectSelector, policy } = config;
  return {
    ...(policy !== undefined && { isOptIn: policy === "disabled" }),
    ...(neverInjectSelector !== undefined && { neverInject: neverInjectSelector }),
    ...(alwaysInjectSelector !== undefined && { alwaysInject: alwaysInjectSelector }),
    ...(injectedAnnotations !== undefined && { injectedAnnotations }),
  };
}

function readKey(key: string, content: string, problems: Problem[]): Fields {
  try {
    const value: unknown = parse(content) ?? {};
    if (isFields(value)) return value;
    problems.push(faultAt(key, "it holds no object"));
  } catch (error) {
    problems.push(faultAt(key, `it can't be read: ${(error as Error).message.split("\n")[0]}`));
  }
  return {};
}

/** One with errors stays, as what is wrong with it: pods that name it are refused with that. */
function parseTemplates(
  texts: Readonly<Record<string, string>>,
  problems: Problem[],
): InjectionTemplates["byName"] {
  const byName: [string, InjectionTemplates["byName"][string]][] = [];
  for (const [name, content] of Object.entries(texts)) {
    // Istio's ConfigMap brings its own by these names, for images that aren't ours.
    if (isBuiltIn(name)) {
      problems.push(warningOf(name));
      continue;
    }
    const parsed = parseTemplate(content);
    if ("fault" in parsed) problems.push(templateProblem(name, parsed.fault));
    byName.push([name, "fault" in parsed ? parsed.fault : parsed.value]);
  }
  return Object.fromEntries(byName);
}

function warningOf(name: string): Problem {
  return problem("MLT1022", {
    severity: "warning",
    path: `config.templates.${name}`,
    message: `The template "${name}" is passed over: Meltemi has its own of that name`,
    hint: "give it another name, and name it in defaultTemplates",
  });
}

function faultAt(path: string, fault: string): Problem {
  return problem("MLT1022", { path, message: `Cannot configure injection: ${fault}` });
}
