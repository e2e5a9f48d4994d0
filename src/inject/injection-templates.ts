// Which templates a pod gets: `sidecar` and `gateway`, which are code, and those that the mesh's configuration brings.

import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import type { Template } from "./template/template.ts";

export interface InjectionTemplates {
  /** Of the mesh; the text says why a template can't be used. */
  readonly byName: Readonly<Record<string, Template | string>>;
  /** Of pods that name none. */
  readonly defaults: readonly string[];
  /** Names that stand for several. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  /** What templates read as `.Values`. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What they read by `env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export const noTemplates: InjectionTemplates = {
  byName: {},
  defaults: ["sidecar"],
  aliases: {},
  values: {},
  environment: {},
};

export const builtInTemplates = ["sidecar", "gateway"] as const;

export interface ChosenTemplates {
  /** Undefined: the pod gets no proxy. */
  readonly role: "sidecar" | "router" | undefined;
  readonly custom: readonly NamedTemplate[];
}

export interface NamedTemplate {
  readonly name: string;
  readonly template: Template;
}

/** `named`: by the pod's annotation; in their order, each once. */
export function chooseTemplates(
  named: readonly string[] | undefined,
  templates: InjectionTemplates,
): ChosenTemplates | { readonly problems: readonly Problem[] } {
  const { aliases, byName, defaults } = templates;
  const names = [...new Set((named ?? defaults).flatMap((name) => ownItem(aliases, name) ?? [name]))];
  const custom: NamedTemplate[] = [];
  const problems: Problem[] = [];
  for (const name of names) {
    if (isBuiltIn(name)) continue;
    const template = ownItem(byName, name);
    if (template === undefined) problems.push(unknownTemplate(name, templates));
    else if (typeof template === "string") problems.push(templateProblem(name, template));
    else custom.push({ name, template });
  }
  if (problems.length > 0) return { problems };
  const role = names.includes("gateway") ? "router" : "sidecar";
  return { role: names.some(isBuiltIn) ? role : undefined, custom };
}

/** `fault` completes "Cannot use template …: FAULT". */
export function templateProblem(name: string, fault: string): Problem {
  return problem("MLT1022", { message: `Cannot use template "${name}" of the mesh's injection: ${fault}` });
}

export function isBuiltIn(name: string): boolean {
  return (builtInTemplates as readonly string[]).includes(name);
}

function unknownTemplate(name: string, { aliases, byName }: InjectionTemplates): Problem {
  const known = [...builtInTemplates, ...Object.keys(byName), ...Object.keys(aliases)];
  return problem("MLT1005", {
    path: 'metadata.annotations["inject.istio.io/templates"]',
    message: `There is no template "${name}", only ${known.map((one) => `"${one}"`).join(", ")}`,
  });
}

function ownItem<T>(items: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(items, name) ? items[name] : undefined;
}
