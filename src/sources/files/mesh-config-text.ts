// MeshConfig out of text: a file of its own, or the key `mesh` of the ConfigMap `istio` or `meltemi`.

import type { ObjectKey } from "../../core/object-key.ts";
import { objectKey, parseObjectKey } from "../../core/object-key.ts";
import type { PositionNode, Positions } from "../../core/positions.ts";
import { locate, subtree } from "../../core/positions.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import { checkForm } from "../../kinds/check-form.ts";
import type { Finding, KubernetesObject } from "../../kinds/define-kind.ts";
import type { MeshConfig } from "../../kinds/mesh-config/mesh-config.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import { meshConfigSpec } from "../../kinds/mesh-config/mesh-config-spec.ts";
import { firstFindings, isError, unimplemented } from "../../kinds/parse-object.ts";
import { parseYaml } from "./yaml-documents.ts";

export const MESH_CONFIG_KEY: ObjectKey = objectKey({ kind: "MeshConfig", namespace: "", name: "mesh" });

const configMapNames: ReadonlySet<string> = new Set(["istio", "meltemi"]);
const systemNamespaces: ReadonlySet<string> = new Set(["istio-system", "meltemi-system"]);

export interface MeshConfigEntry {
  readonly key: ObjectKey;
  readonly positions: Positions;
  /** Absent where the text has errors. */
  readonly object?: KubernetesObject;
}

export interface MeshConfigText {
  readonly entries: readonly MeshConfigEntry[];
  readonly problems: readonly Problem[];
}

/** The MeshConfig that a ConfigMap holds; undefined for any other object. */
export function meshConfigEntry(object: KubernetesObject, positions: Positions): MeshConfigText | undefined {
  const { name, namespace = "" } = object.metadata;
  if (object.kind !== "ConfigMap" || !configMapNames.has(name)) return undefined;
  const text = (object.data as Readonly<Record<string, string>> | undefined)?.mesh;
  if (text === undefined) return undefined;
  if (!systemNamespaces.has(namespace))
    return { entries: [], problems: [elsewhere(name, namespace, positions)] };
  return parseMeshConfig(positions.file, text, subtree(positions.root, ["data", "mesh"]));
}

/**
 * Reads the text of a MeshConfig. `outer` is where it stands, when it is a block of a larger file: the places of
 * its fields are then moved by it.
 */
export function parseMeshConfig(file: string, text: string, outer?: PositionNode): MeshConfigText {
  const { documents, problems } = parseYaml(file, text);
  const moved = problems.map((found) => movedProblem(found, outer));
  const [document, second] = documents;
  if (moved.some(({ severity }) => severity === "error"))
    return withoutObject({ file, root: outer ?? [1, 1] }, moved);
  if (second !== undefined) {
    const location = locate({ file, root: second.root }, "");
    moved.push(
      movedProblem(problem("MLT1005", { location, message: "found a second document, wanted one" }), outer),
    );
  }
  const inner = document?.root ?? [1, 1];
  const positions = { file, root: movedTree([inner[0], inner[1], { spec: inner }], outer) };
  const checked = checkForm(meshConfigSpec, document?.value ?? {}, { path: "spec", isLenient: true });
  const object = { ...emptyMeshConfig, spec: checked.value } as MeshConfig;
  const findings = [...checked.findings];
  if (findings.length === 0)
    findings.push(...firstFindings(meshConfigKind.check(object)), ...firstFindings(unimplemented(object)));
  const all = [...moved, ...findings.map((finding) => located(finding, positions))];
  if (findings.some(isError)) return withoutObject(positions, all);
  return { entries: [{ key: MESH_CONFIG_KEY, positions, object }], problems: all };
}

const emptyMeshConfig = {
  apiVersion: meshConfigKind.apiVersion,
  kind: "MeshConfig",
  metadata: { name: parseObjectKey(MESH_CONFIG_KEY).name },
};

function withoutObject(positions: Positions, problems: readonly Problem[]): MeshConfigText {
  return { entries: [{ key: MESH_CONFIG_KEY, positions }], problems };
}

function located({ code = "MLT1005", path, ...rest }: Finding, positions: Positions): Problem {
  return problem(code, { ...rest, object: MESH_CONFIG_KEY, path, location: locate(positions, path) });
}

function elsewhere(name: string, namespace: string, positions: Positions): Problem {
  return problem("MLT1011", {
    severity: "warning",
    object: objectKey({ kind: "ConfigMap", namespace, name }),
    path: "data.mesh",
    location: locate(positions, "data.mesh"),
    message: `a mesh configuration in namespace "${namespace}" has no effect`,
    hint: `put it into ${[...systemNamespaces].join(" or ")}`,
  });
}

// A block of text begins on the line after its key, two columns to the right of it in nearly every manifest.
function movedProblem(found: Problem, outer: PositionNode | undefined): Problem {
  if (outer === undefined || found.location === undefined) return found;
  const { file, line, column } = found.location;
  return { ...found, location: { file, line: line + outer[0], column: column + outer[1] + 1 } };
}

function movedTree([line, column, children]: PositionNode, outer: PositionNode | undefined): PositionNode {
  if (outer === undefined) return children === undefined ? [line, column] : [line, column, children];
  const place = [line + outer[0], column + outer[1] + 1] as const;
  if (children === undefined) return place;
  if (isList(children)) return [...place, children.map((child) => movedTree(child, outer))];
  const moved = Object.entries(children).map(([name, child]) => [name, movedTree(child, outer)] as const);
  return [...place, Object.fromEntries(moved)];
}

function isList(
  children: readonly PositionNode[] | Readonly<Record<string, PositionNode>>,
): children is readonly PositionNode[] {
  return Array.isArray(children);
}
