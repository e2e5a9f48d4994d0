// The storefront: the page people see. It owns no data; all that it shows it asks of the other services.

import type { ServerResponse } from "node:http";
import type { RatingsClient } from "../ratings/ratings-client.ts";
import { addressOf } from "../service/environment.ts";
import type { Answer, Request } from "../service/http-service.ts";
import { readBody, startHttpService } from "../service/http-service.ts";
import { renderClosed, renderShop } from "./page.ts";
import { createUpstreams } from "./upstreams.ts";
import { signIn, visitorOf } from "./visitor.ts";

const upstreams = createUpstreams();
const liveResponses = new Set<ServerResponse>();
let connecting: Promise<RatingsClient> | undefined;

startHttpService({
  name: "storefront",
  defaultPort: 9080,
  routes: [
    { method: "GET", path: "/", answer: (request) => shopPage(request, undefined) },
    { method: "GET", path: "/books/:id", answer: (request) => shopPage(request, request.params.id) },
    { method: "POST", path: "/cart", answer: addToCart },
    { method: "POST", path: "/cart/empty", answer: emptyCart },
    {
      method: "POST",
      path: "/user",
      answer: async (request) => back(request, [signIn((await form(request)).get("name") ?? "")]),
    },
    { method: "POST", path: "/ratings", answer: rate },
    { method: "GET", path: "/ratings", answer: watchRatings },
  ],
  release: () => {
    for (const response of liveResponses) response.end();
  },
});

async function shopPage(request: Request, bookId: string | undefined): Promise<Answer> {
  const visitor = visitorOf(request);
  const [books, stock, cart, firstReviews] = await Promise.all([
    upstreams.books(visitor.headers),
    upstreams.stock(visitor.headers),
    upstreams.cart(visitor.session, visitor.headers),
    bookId === undefined ? undefined : upstreams.reviews(bookId, visitor.headers),
  ]);
  const visits = [books.visit, stock.visit, cart.visit];
  const selected = books.value?.find(({ id }) => id === bookId) ?? books.value?.[0];
  if (books.value === undefined || selected === undefined) return page(503, renderClosed(visits), []);
  const reviews = firstReviews ?? (await upstreams.reviews(selected.id, visitor.headers));
  const text = renderShop({
    books: books.value,
    selected,
    isFrontPage: bookId === undefined,
    reviews: reviews.value,
    copiesByBook: stock.value ?? {},
    cart: cart.value ?? {},
    userName: visitor.name,
    visits: [...visits, reviews.visit],
  });
  return page(200, text, visitor.newCookies, { "x-reviews-version": reviews.value?.version ?? "none" });
}

async function addToCart(request: Request): Promise<Answer> {
  const { session, headers, newCookies } = visitorOf(request);
  const bookId = (await form(request)).get("bookId") ?? "";
  const taken = await upstreams.takeFromStock(bookId, headers);
  if (taken.value !== undefined) await upstreams.addToCart(session, bookId, headers);
  return back(request, newCookies);
}

async function emptyCart(request: Request): Promise<Answer> {
  const { session, headers, newCookies } = visitorOf(request);
  await upstreams.emptyCart(session, headers);
  return back(request, newCookies);
}

async function rate(request: Request): Promise<Answer> {
  const fields = await form(request);
  const ratings = await ratingsClient();
  await ratings.rate(fields.get("bookId") ?? "", Number(fields.get("stars")), visitorOf(request).headers);
  return back(request, []);
}

/** The gRPC stream of ratings, as server-sent events. */
async function watchRatings(request: Request): Promise<Answer> {
  const ratings = await ratingsClient();
  const changes = ratings.watchRatings(visitorOf(request).headers);
  return {
    status: 200,
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    stream: (response) => {
      liveResponses.add(response);
      response.flushHeaders();
      changes.on("data", (rating) => response.write(`data: ${JSON.stringify(rating)}\n\n`));
      changes.on("error", () => response.end());
      changes.on("end", () => response.end());
      response.on("close", () => {
        liveResponses.delete(response);
        changes.cancel();
      });
    },
  };
}

// Loaded when first needed, so that the first page doesn't wait for it.
function ratingsClient(): Promise<RatingsClient> {
  connecting ??= import("../ratings/ratings-client.ts").then(({ createRatingsClient }) =>
    createRatingsClient(addressOf("ratings", 9090)),
  );
  return connecting;
}

async function form({ message }: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await readBody(message));
}

function page(
  status: number,
  body: string,
  cookies: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const common = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  return { status, headers: { ...common, ...headers, "set-cookie": cookies }, body };
}

/** To the page on which the form was. */
function back({ message }: Request, cookies: readonly string[]): Answer {
  const { referer } = message.headers;
  const from = referer === undefined || !URL.canParse(referer) ? "/" : new URL(referer).pathname;
  return { status: 303, headers: { location: from, "set-cookie": cookies } };
}
