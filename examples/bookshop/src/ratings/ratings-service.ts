// The gRPC service of ratings.proto, for its server and its clients: messages, their encoding, and the methods.

import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { MethodDefinition } from "@grpc/grpc-js";

export interface GetRatingRequest {
  readonly bookId: string;
}

export interface RateRequest {
  readonly bookId: string;
  /** 1 to 5. */
  readonly stars: number;
}

export type WatchRatingsRequest = Readonly<Record<string, never>>;

export interface Rating {
  readonly bookId: string;
  readonly averageStars: number;
  readonly count: number;
}

/** Field numbers, as in ratings.proto. */
type Fields = ReadonlyMap<number, string | number>;
type FieldType = "string" | "uint32" | "double";

interface Codec<T> {
  readonly encode: (message: T) => Buffer;
  readonly decode: (bytes: Buffer) => T;
}

const getRatingRequest: Codec<GetRatingRequest> = {
  encode: ({ bookId }) => encode({ 1: ["string", bookId] }),
  decode: (bytes) => ({ bookId: text(decode(bytes, { 1: "string" }), 1) }),
};

const rateRequest: Codec<RateRequest> = {
  encode: ({ bookId, stars }) => encode({ 1: ["string", bookId], 2: ["uint32", stars] }),
  decode: (bytes) => {
    const fields = decode(bytes, { 1: "string", 2: "uint32" });
    return { bookId: text(fields, 1), stars: number(fields, 2) };
  },
};

const watchRatingsRequest: Codec<WatchRatingsRequest> = {
  encode: () => Buffer.alloc(0),
  decode: () => ({}),
};

const rating: Codec<Rating> = {
  encode: ({ bookId, averageStars, count }) =>
    encode({ 1: ["string", bookId], 2: ["double", averageStars], 3: ["uint32", count] }),
  decode: (bytes) => {
    const fields = decode(bytes, { 1: "string", 2: "double", 3: "uint32" });
    return { bookId: text(fields, 1), averageStars: number(fields, 2), count: number(fields, 3) };
  },
};

export const ratingsService = {
  getRating: method("GetRating", getRatingRequest, rating),
  rate: method("Rate", rateRequest, rating),
  watchRatings: { ...method("WatchRatings", watchRatingsRequest, rating), responseStream: true },
} as const;

function method<Request, Response>(
  name: string,
  request: Codec<Request>,
  response: Codec<Response>,
): MethodDefinition<Request, Response> {
  return {
    path: `/bookshop.v1.Ratings/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  };
}

function encode(
  fields: Readonly<Record<number, readonly ["string", string] | readonly ["uint32" | "double", number]>>,
): Buffer {
  const writer = new BinaryWriter();
  for (const [key, [type, value]] of Object.entries(fields)) {
    const fieldNumber = Number(key);
    if (type === "string") writer.tag(fieldNumber, 2).string(value);
    else if (type === "uint32") writer.tag(fieldNumber, 0).uint32(value);
    else writer.tag(fieldNumber, 1).double(value);
  }
  return Buffer.from(writer.finish());
}

function decode(bytes: Buffer, types: Readonly<Record<number, FieldType>>): Fields {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, string | number>();
  while (reader.pos < reader.len) {
    const [fieldNumber, wireType] = reader.tag();
    const type = types[fieldNumber];
    if (type === undefined) reader.skip(wireType, fieldNumber);
    else fields.set(fieldNumber, reader[type]());
  }
  return fields;
}

function text(fields: Fields, fieldNumber: number): string {
  return String(fields.get(fieldNumber) ?? "");
}

function number(fields: Fields, fieldNumber: number): number {
  return Number(fields.get(fieldNumber) ?? 0);
}
