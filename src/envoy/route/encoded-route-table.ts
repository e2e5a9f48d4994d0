// An encoded route configuration taken apart into its virtual hosts, which stay as they are encoded, and put together
// again with others in the place of some. Never reads what a virtual host says, but for its name and domains.

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { VirtualHostSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";

const VIRTUAL_HOSTS = RouteConfigurationSchema.field.virtualHosts.number;
const { name: NAME, domains: DOMAINS } = {
  name: VirtualHostSchema.field.name.number,
  domains: VirtualHostSchema.field.domains.number,
};

export interface TableHost {
  readonly name: string;
  /** The encoded VirtualHost. */
  readonly bytes: Buffer;
  /** With what announces it in the table. */
  readonly field: Buffer;
}

export interface RouteTable {
  /** All that isn't a virtual host. */
  readonly head: readonly Buffer[];
  readonly hosts: readonly TableHost[];
  readonly hostsByName: ReadonlyMap<string, TableHost>;
}

/** `body` is the encoded message, in fragments. */
export function parseRouteTable(body: readonly Uint8Array[]): RouteTable {
  const bytes = Buffer.concat(body);
  const head: Buffer[] = [];
  const hosts: TableHost[] = [];
  for (const { number, field, value } of fieldsOf(bytes)) {
    if (number !== VIRTUAL_HOSTS) head.push(field);
    else hosts.push({ name: nameOf(value), bytes: value, field });
  }
  return { head, hosts, hostsByName: new Map(hosts.map((host) => [host.name, host])) };
}

/** The table's bytes with stand-ins for the virtual hosts of these names, or without them where there is none. */
export function assembleRouteTable(
  { head, hosts }: RouteTable,
  standIns: ReadonlyMap<string, Buffer | undefined>,
): readonly Uint8Array[] {
  const fields = hosts.flatMap(({ name, bytes, field }) => {
    if (!standIns.has(name)) return [field];
    const standIn = standIns.get(name);
    return standIn === undefined ? [] : [hostField(withDomainsOf(bytes, standIn))];
  });
  return [Buffer.concat([...head, ...fields])];
}

/** No domain may be in a table twice: a stand-in has those that the table gives its virtual host. */
function withDomainsOf(bytes: Buffer, standIn: Buffer): Buffer {
  const domains = fieldsWhere(bytes, (number) => number === DOMAINS);
  if (domains.equals(fieldsWhere(standIn, (number) => number === DOMAINS))) return standIn;
  return Buffer.concat([fieldsWhere(standIn, (number) => number !== DOMAINS), domains]);
}

function fieldsWhere(bytes: Buffer, isWanted: (number: number) => boolean): Buffer {
  const wanted = [...fieldsOf(bytes)].filter(({ number }) => isWanted(number));
  return Buffer.concat(wanted.map(({ field }) => field));
}

function hostField(bytes: Buffer): Buffer {
  const writer = new BinaryWriter();
  writer.tag(VIRTUAL_HOSTS, WireType.LengthDelimited).uint32(bytes.length).raw(bytes);
  return Buffer.from(writer.finish());
}

function nameOf(host: Buffer): string {
  for (const { number, value } of fieldsOf(host)) if (number === NAME) return value.toString();
  return "";
}

interface Field {
  readonly number: number;
  readonly field: Buffer;
  /** Of a field with a length; else empty. */
  readonly value: Buffer;
}

function* fieldsOf(bytes: Buffer): Iterable<Field> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) {
      const length = reader.uint32();
      const valueStart = reader.pos;
      reader.pos += length;
      yield {
        number,
        field: bytes.subarray(start, reader.pos),
        value: bytes.subarray(valueStart, reader.pos),
      };
    } else {
      reader.skip(wireType, number);
      yield { number, field: bytes.subarray(start, reader.pos), value: bytes.subarray(0, 0) };
    }
  }
}
