// The ratings service: gRPC, with a stream of what changes. Ratings live in memory and start anew with the process.

import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from "@grpc/grpc-js";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { books } from "../catalog/books.ts";
import { listenPort } from "../service/environment.ts";
import { onTermination } from "../service/termination.ts";
import { healthService, isServing } from "./health-service.ts";
import type { GetRatingRequest, RateRequest, Rating, WatchRatingsRequest } from "./ratings-service.ts";
import { ratingsService } from "./ratings-service.ts";

const FIRST_VOTES: readonly (readonly number[])[] = [
  [5, 4, 5],
  [4, 2, 5, 4],
  [5, 5],
  [4, 4, 3],
  [5, 4],
  [3, 5, 4],
];

const votesByBook = new Map(books.map(({ id }, position) => [id, [...(FIRST_VOTES[position] ?? [])]]));
const watchers = new Set<ServerWritableStream<WatchRatingsRequest, Rating>>();

function ratingOf(bookId: string): Rating {
  const votes = votesByBook.get(bookId) ?? [];
  const sum = votes.reduce((total, stars) => total + stars, 0);
  return { bookId, averageStars: votes.length === 0 ? 0 : sum / votes.length, count: votes.length };
}

function getRating(call: ServerUnaryCall<GetRatingRequest, Rating>, reply: sendUnaryData<Rating>): void {
  reply(null, ratingOf(call.request.bookId));
}

function rate(call: ServerUnaryCall<RateRequest, Rating>, reply: sendUnaryData<Rating>): void {
  const { bookId, stars } = call.request;
  const votes = votesByBook.get(bookId);
  if (votes === undefined) {
    reply({ code: status.NOT_FOUND, details: `no book "${bookId}"` });
  } else if (stars < 1 || stars > 5) {
    reply({ code: status.INVALID_ARGUMENT, details: `${stars} stars: 1 to 5 are wanted` });
  } else {
    votes.push(stars);
    const rating = ratingOf(bookId);
    for (const watcher of watchers) watcher.write(rating);
    reply(null, rating);
  }
}

function watchRatings(call: ServerWritableStream<WatchRatingsRequest, Rating>): void {
  for (const { id } of books) call.write(ratingOf(id));
  watchers.add(call);
  call.on("cancelled", () => watchers.delete(call));
  call.on("close", () => watchers.delete(call));
}

const server = new Server();
server.addService(ratingsService, { getRating, rate, watchRatings });
server.addService(healthService, { check: isServing });
server.bindAsync(`0.0.0.0:${listenPort(9090)}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(`ratings listening on ${port}`);
});

onTermination("ratings", {
  end: (done) => {
    for (const watcher of watchers) watcher.end();
    server.tryShutdown(() => done());
  },
});
