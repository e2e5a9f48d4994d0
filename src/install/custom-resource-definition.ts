// What makes an API server serve a kind of ours: its CustomResourceDefinition, made from the kind's declaration alone.

import { kinds } from "../kinds/all-kinds.ts";
import type { Kind } from "../kinds/define-kind.ts";
import { fieldDescriptions } from "../kinds/field-descriptions.ts";
import { canonicalField } from "../kinds/same-fields.ts";
import { type UnimplementedField, unimplementedFields } from "../kinds/unimplemented-fields.ts";
import type { InstallObject } from "./install-object.ts";
import { installedLabels } from "./object-names.ts";
import type { StructuralSchema } from "./structural-schema.ts";
import { structuralSchema } from "./structural-schema.ts";

export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly jsonPath: string;
}

export interface CustomResourceDefinition extends InstallObject {
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
      readonly categories: readonly string[];
    };
    readonly scope: "Namespaced";
    readonly versions: readonly CustomResourceVersion[];
  };
}

export interface CustomResourceVersion {
  readonly name: string;
  readonly served: true;
  readonly storage: boolean;
  readonly subresources: { readonly status: Readonly<Record<never, never>> };
  readonly additionalPrinterColumns: readonly PrinterColumn[];
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
}

/** Of every kind that an API server doesn't know by itself. */
export function customResourceDefinitions(): CustomResourceDefinition[] {
  return kinds.filter(isCustom).map(customResourceDefinition);
}

function isCustom({ group, scope }: Kind): boolean {
  return scope === "Namespaced" && group.endsWith(".istio.io");
}

export function customResourceDefinition(kind: Kind): CustomResourceDefinition {
  const { group, plural, shortNames } = kind;
  const schema = objectSchema(kind);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural}.${group}`,
      labels: installedLabels,
      // Helm would delete the users' objects with the definition.
      annotations: { "helm.sh/resource-policy": "keep" },
    },
    spec: {
      group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural,
        singular: kind.kind.toLowerCase(),
        ...(shortNames.length === 0 ? {} : { shortNames }),
        categories: ["istio-io", `${group.split(".")[0]}-istio-io`],
      },
      scope: "Namespaced",
      versions: kind.versions.served.map((name) => ({
        name,
        served: true,
        storage: name === kind.versions.storage,
        subresources: { status: {} },
        additionalPrinterColumns: printerColumns(kind, schema),
        schema: { openAPIV3Schema: schema },
      })),
    },
  };
}

// The API server itself knows apiVersion, kind and metadata.
const serverFields: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

function objectSchema(kind: Kind): StructuralSchema {
  const { properties = {}, required = [] } = kind.schema as {
    readonly properties?: Readonly<Record<string, object>>;
    readonly required?: readonly string[];
  };
  const notes = {
    admission: kind.admission,
    describe: (path: string) => describeField(kind.kind, path),
  };
  const fields = Object.entries(properties)
    .filter(([name]) => !serverFields.has(name))
    .map(([name, schema]) => [name, structuralSchema(schema, name, notes)]);
  const requiredFields = required.filter((name) => !serverFields.has(name));
  return {
    description: kind.description,
    type: "object",
    properties: Object.fromEntries(fields),
    ...(requiredFields.length === 0 ? {} : { required: requiredFields }),
  };
}

/** By `Kind.path`, or `Kind.path.*` for all fields at a place. */
const lackingFields: ReadonlyMap<string, UnimplementedField> = new Map(
  unimplementedFields
    .filter(({ onlyValue }) => onlyValue === undefined)
    .map((field) => [`${field.kind}.${field.pattern}`, field]),
);

/** What a field is for, and that it has no effect yet where that is so. */
function describeField(kind: string, path: string): string | undefined {
  const description = fieldDescriptions[kind]?.[path];
  const field = canonicalField(`${kind}.${path}`);
  const parent = field.slice(0, field.lastIndexOf("."));
  const lacking = lackingFields.get(field) ?? lackingFields.get(`${parent}.*`);
  if (lacking === undefined) return description;
  const sentence = `It has no effect yet: ${lacking.reason}.`;
  return description === undefined ? sentence : `${description} ${sentence}`;
}

function printerColumns(kind: Kind, schema: StructuralSchema): PrinterColumn[] {
  const columns = kind.columns.map(({ path, title }) => ({
    name: title,
    type: columnType(schema, path),
    jsonPath: `.${path}`,
  }));
  return [...columns, { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }];
}

function columnType(schema: StructuralSchema, path: string): PrinterColumn["type"] {
  let part: StructuralSchema | undefined = schema;
  for (const name of path.split(".")) part = part?.properties?.[name];
  return part?.type === "integer" || part?.type === "number" || part?.type === "boolean"
    ? part.type
    : "string";
}
