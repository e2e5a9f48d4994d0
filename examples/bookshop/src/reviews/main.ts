// What readers say. Three versions of it run side by side: v1 shows no stars, v2 black ones, v3 red ones.
// v2 and v3 ask the ratings service; where that fails they say so and still show the reviews.

import type { RatingsClient } from "../ratings/ratings-client.ts";
import { addressOf, podName, serviceVersion } from "../service/environment.ts";
import type { ForwardedHeaders } from "../service/forwarded-headers.ts";
import type { Request } from "../service/http-service.ts";
import { json, startHttpService } from "../service/http-service.ts";
import type { BookReviews, Stars } from "./book-reviews.ts";
import { readerReviews } from "./reader-reviews.ts";

const version = serviceVersion();
const color = version === "v2" ? "black" : version === "v3" ? "red" : undefined;
const connecting = color === undefined ? undefined : connectRatings();

startHttpService({
  name: `reviews ${version}`,
  defaultPort: 9080,
  routes: [
    {
      method: "GET",
      path: "/books/:id/reviews",
      answer: async (request) => json(await bookReviews(request)),
    },
  ],
});

// Loaded only where it is used: v1 has no need of gRPC.
async function connectRatings(): Promise<RatingsClient> {
  const { createRatingsClient } = await import("../ratings/ratings-client.ts");
  return createRatingsClient(addressOf("ratings", 9090));
}

async function bookReviews({ params, forwarded }: Request): Promise<BookReviews> {
  const bookId = params.id ?? "";
  const reviews = readerReviews[bookId] ?? [];
  const stars = await starsOf(bookId, forwarded);
  return { version, pod: podName(), reviews, ...(stars === undefined ? {} : { stars }) };
}

async function starsOf(bookId: string, headers: ForwardedHeaders): Promise<Stars | undefined> {
  if (connecting === undefined || color === undefined) return undefined;
  try {
    const ratings = await connecting;
    const { averageStars, count } = await ratings.getRating(bookId, headers);
    return { kind: "shown", color, average: averageStars, count };
  } catch (error) {
    return { kind: "unavailable", reason: error instanceof Error ? error.message : String(error) };
  }
}
