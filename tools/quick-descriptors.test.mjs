import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { quickDescriptors } from "./quick-descriptors.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

// Large ones that import many others, with maps, oneofs, nested messages, enums, extensions and a service.
const files = [
  "envoy/config/cluster/v3/cluster_pb.ts",
  "envoy/config/route/v3/route_components_pb.ts",
  "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts",
  "envoy/service/discovery/v3/ads_pb.ts",
];

test("quickDescriptors makes the descriptors that the library makes", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "mlt-descriptors-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const own = await descriptionOf(join(folder, "own.mjs"), [quickDescriptors]);
  const library = await descriptionOf(join(folder, "library.mjs"), []);
  assert.ok(library.length > 1_000, `${library.length} fields were described`);
  assert.deepEqual(own, library);
});

async function descriptionOf(outfile, plugins) {
  const contents = files
    .map((path) => `export * from ${JSON.stringify(join(root, "src/gen", path))};`)
    .join("\n");
  await build({
    stdin: { contents, resolveDir: root },
    outfile,
    plugins,
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "warning",
  });
  const module = await import(pathToFileURL(outfile).href);
  const descFiles = Object.values(module).filter((value) => value?.kind === "file");
  assert.equal(descFiles.length, files.length);
  return withDependencies(descFiles).flatMap(linesOf);
}

function withDependencies(descFiles) {
  const found = new Set();
  const add = (file) => {
    if (found.has(file)) return;
    found.add(file);
    for (const dependency of file.dependencies) add(dependency);
  };
  for (const file of descFiles) add(file);
  return [...found];
}

function linesOf(file) {
  return [
    `${file.name}: ${file.dependencies.map(({ name }) => name)}`,
    ...file.messages.flatMap(linesOfMessage),
    ...file.enums.map(({ typeName, values }) => `${typeName} ${values.map(({ name }) => name)}`),
    ...file.extensions.map(({ typeName, number, extendee }) => `${typeName} ${number} ${extendee.typeName}`),
    ...file.services.flatMap(({ typeName, methods }) =>
      methods.map(({ name, input, output }) => `${typeName}.${name} ${input.typeName} ${output.typeName}`),
    ),
  ];
}

function linesOfMessage({ typeName, file, fields, nestedMessages, nestedEnums }) {
  return [
    `${typeName} of ${file.name}: ${nestedEnums.map((nested) => nested.typeName)}`,
    ...fields.map((field) =>
      [
        `${typeName}.${field.localName} ${field.number} ${field.fieldKind} ${field.jsonName} ${field.presence}`,
        field.scalar,
        field.message?.typeName,
        field.message?.fields.length,
        field.enum?.typeName,
        field.mapKey,
        field.oneof?.name,
      ].join(" "),
    ),
    ...nestedMessages.flatMap(linesOfMessage),
  ];
}
