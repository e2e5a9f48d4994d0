// Generates src/gen/ from the committed descriptor set, by protoc-gen-es and without protoc: the request
// that protoc would send is built here. Does nothing where src/gen/ already matches. Needs Node alone.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const output = join(root, "src/gen");
const stampFile = join(output, ".stamp");
const plugin = join(root, "node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es");
const descriptorBytes = readFileSync(join(root, "tools/descriptors/descriptors.binpb"));

const PARAMETER = "target=ts,import_extension=ts,json_types=false";

const stamp = createHash("sha256")
  .update(descriptorBytes)
  .update(PARAMETER)
  .update(readFileSync(join(root, "node_modules/@bufbuild/protoc-gen-es/package.json")))
  .digest("hex");

if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) process.exit(0);

const descriptors = fromBinary(FileDescriptorSetSchema, descriptorBytes);
const request = create(CodeGeneratorRequestSchema, {
  parameter: PARAMETER,
  // The well-known types ship with @bufbuild/protobuf itself.
  fileToGenerate: descriptors.file
    .map((file) => file.name)
    .filter((name) => !name.startsWith("google/protobuf/")),
  protoFile: descriptors.file,
});
const run = spawnSync(process.execPath, [plugin], {
  input: toBinary(CodeGeneratorRequestSchema, request),
  maxBuffer: 1 << 30,
});
if (run.status !== 0) throw new Error(`protoc-gen-es failed: ${run.stderr}`);
const response = fromBinary(CodeGeneratorResponseSchema, run.stdout);
if (response.error !== "") throw new Error(`protoc-gen-es: ${response.error}`);

// Written beside and renamed, so that an interrupted run leaves no half of it.
const staging = `${output}.${process.pid}`;
for (const file of response.file) {
  const path = join(staging, file.name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.content);
}
writeFileSync(join(staging, ".stamp"), stamp);
rmSync(output, { recursive: true, force: true });
renameSync(staging, output);
console.log(`generated ${response.file.length} files in src/gen`);
