// Istio's message for DNS in the agent: istio.networking.nds.v1.NameTable, a map of hosts. Its definition isn't among those
// that code is generated from, and is four fields.

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { NamedHost, NamedHosts } from "../../view/name-tables.ts";

/** Equal tables have equal bytes: hosts are in their order. */
export function encodeNameTable(hosts: NamedHosts): Uint8Array {
  const writer = new BinaryWriter();
  for (const named of hosts) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(named.host);
    writer.tag(2, WireType.LengthDelimited).fork();
    writeNameInfo(writer, named);
    writer.join().join();
  }
  return writer.finish();
}

function writeNameInfo(writer: BinaryWriter, { addresses, registry, name, namespace }: NamedHost): void {
  for (const address of addresses) writer.tag(1, WireType.LengthDelimited).string(address);
  writer.tag(2, WireType.LengthDelimited).string(registry);
  if (registry !== "Kubernetes") return;
  writer.tag(3, WireType.LengthDelimited).string(name);
  writer.tag(4, WireType.LengthDelimited).string(namespace);
}
