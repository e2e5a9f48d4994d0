// Generates src/gen/ from the committed descriptor set, by protoc-gen-es and without protoc: the request
// that protoc would send is built here. Does nothing where src/gen/ already matches.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const output = join(root, "src/gen");
const stampFile = join(output, ".stamp");
const descriptorFile = join(root, "tools/descriptors/descriptors.binpb");
const plugin = join(root, "node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es");

const PARAMETER = "target=ts,import_extension=ts,json_types=false";

export function isGenerated() {
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === currentStamp();
}

function currentStamp() {
  return createHash("sha256")
    .update(readFileSync(descriptorFile))
    .update(PARAMETER)
    .update(readFileSync(join(root, "node_modules/@bufbuild/protoc-gen-es/package.json")))
    .digest("hex");
}

/** Returns how many files it made. */
export async function generate() {
  const response = await runPlugin();
  // Written beside and renamed, so that an interrupted run leaves no half of it.
  const staging = `${output}.${process.pid}`;
  for (const file of response.file) {
    const path = join(staging, file.name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.content);
  }
  writeFileSync(join(staging, ".stamp"), currentStamp());
  rmSync(output, { recursive: true, force: true });
  renameSync(staging, output);
  return response.file.length;
}

async function runPlugin() {
  // Imported late: set-up imports this file before the package is there.
  const { create, fromBinary, toBinary } = await import("@bufbuild/protobuf");
  const wellKnown = await import("@bufbuild/protobuf/wkt");
  const descriptors = fromBinary(wellKnown.FileDescriptorSetSchema, readFileSync(descriptorFile));
  const request = create(wellKnown.CodeGeneratorRequestSchema, {
    parameter: PARAMETER,
    // The well-known types ship with @bufbuild/protobuf itself.
    fileToGenerate: descriptors.file
      .map((file) => file.name)
      .filter((name) => !name.startsWith("google/protobuf/")),
    protoFile: descriptors.file,
  });
  const run = spawnSync(process.execPath, [plugin], {
    input: toBinary(wellKnown.CodeGeneratorRequestSchema, request),
    maxBuffer: 1 << 30,
  });
  if (run.status !== 0) throw new Error(`protoc-gen-es failed: ${run.stderr}`);
  const response = fromBinary(wellKnown.CodeGeneratorResponseSchema, run.stdout);
  if (response.error !== "") throw new Error(`protoc-gen-es: ${response.error}`);
  return response;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href && !isGenerated()) {
  console.log(`generated ${await generate()} files in src/gen`);
}
