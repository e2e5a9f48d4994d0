// For bundles: descriptors of generated code that are put together in a fifth of the time. The library registers, for each
// file, the types of all files that it depends on however indirectly; a file can name only those of its own imports.

import { dirname } from "node:path";

const LIBRARY = /@bufbuild\/protobuf\/dist\/esm\//;
const REPLACED = /@bufbuild\/protobuf\/dist\/esm\/codegenv2\/file\.js$/;

// Runs in place of the library's, beside the same neighbours.
const fileDescriptor = `
import { base64Decode } from "../wire/base64-encoding.js";
import { FileDescriptorProtoSchema } from "../wkt/google/protobuf/descriptor_pb.js";
import { createEmbeddedFileRegistry } from "../registry.js";
import { restoreJsonNames } from "./restore-json-names.js";
import { fromBinary } from "../from-binary.js";

export function fileDesc(b64, imports = []) {
  const proto = fromBinary(FileDescriptorProtoSchema, base64Decode(b64));
  proto.messageType.forEach(restoreJsonNames);
  proto.dependency = imports.map((file) => file.proto.name);
  const importsByName = new Map(imports.map((file) => [file.proto.name, file]));
  const resolve = (name) => {
    const file = importsByName.get(name);
    return file && withPublicImports(file);
  };
  const file = createEmbeddedFileRegistry(proto, resolve).getFile(proto.name);
  file.dependencies = imports;
  return file;
}

function withPublicImports(file) {
  const dependencies = file.proto.publicDependency.map((index) => withPublicImports(file.dependencies[index]));
  return Object.create(file, { dependencies: { value: dependencies } });
}
`;

/** A plugin of esbuild. The build of what uses the library fails where the library is no longer made as this expects. */
export const quickDescriptors = {
  name: "quick-descriptors",
  setup({ onLoad, onEnd }) {
    let isReplaced = false;
    let isUsed = false;
    onLoad({ filter: LIBRARY }, ({ path }) => {
      isUsed ||= path.includes("/codegenv2/");
      return undefined;
    });
    onLoad({ filter: REPLACED }, ({ path }) => {
      isReplaced = true;
      return { contents: fileDescriptor, resolveDir: dirname(path) };
    });
    onEnd(() => {
      if (isUsed && !isReplaced)
        throw new Error("@bufbuild/protobuf has no codegenv2/file.js: see tools/quick-descriptors.mjs");
    });
  },
};
