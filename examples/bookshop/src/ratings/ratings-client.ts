// Calls to the ratings service. gRPC keeps one connection and opens it again when it breaks.

import type { ClientReadableStream } from "@grpc/grpc-js";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { ForwardedHeaders } from "../service/forwarded-headers.ts";
import type { Rating } from "./ratings-service.ts";
import { ratingsService } from "./ratings-service.ts";

const TIMEOUT_MS = 10_000;

export interface RatingsClient {
  getRating(bookId: string, headers: ForwardedHeaders): Promise<Rating>;
  rate(bookId: string, stars: number, headers: ForwardedHeaders): Promise<Rating>;
  /** All ratings, then each as it changes. Emits `error` when the stream breaks. */
  watchRatings(headers: ForwardedHeaders): ClientReadableStream<Rating>;
}

/** `address` is `HOST:PORT`. */
export function createRatingsClient(address: string): RatingsClient {
  const client = new Client(address, credentials.createInsecure());
  const unary = <Request>(
    { path, requestSerialize, responseDeserialize }: (typeof ratingsService)["getRating" | "rate"],
    request: Request,
    headers: ForwardedHeaders,
  ) =>
    new Promise<Rating>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize as (value: Request) => Buffer,
        responseDeserialize,
        request,
        metadataOf(headers),
        { deadline: Date.now() + TIMEOUT_MS },
        (error, value) => (value === undefined ? reject(error) : resolve(value)),
      );
    });
  return {
    getRating: (bookId, headers) => unary(ratingsService.getRating, { bookId }, headers),
    rate: (bookId, stars, headers) => unary(ratingsService.rate, { bookId, stars }, headers),
    watchRatings: (headers) => {
      const { path, requestSerialize, responseDeserialize } = ratingsService.watchRatings;
      return client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        {},
        metadataOf(headers),
      );
    },
  };
}

function metadataOf(headers: ForwardedHeaders): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
