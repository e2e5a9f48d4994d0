// The services behind the page, called with the visitor's trace headers. No failure of one spoils the page:
// each call leaves a Visit, which the page shows.

import type { Book } from "../catalog/books.ts";
import type { BookReviews } from "../reviews/book-reviews.ts";
import { addressOf } from "../service/environment.ts";
import type { ForwardedHeaders } from "../service/forwarded-headers.ts";
import type { Call } from "../service/http-client.ts";
import { createHttpClient } from "../service/http-client.ts";

/** One call that the page needed. */
export interface Visit {
  readonly service: string;
  /** 0 where no answer came. */
  readonly status: number;
  readonly version: string;
  readonly pod: string;
  readonly durationMs: number;
}

export interface Found<T> {
  /** Absent where the call failed. */
  readonly value?: T;
  readonly visit: Visit;
}

export interface Upstreams {
  books(headers: ForwardedHeaders): Promise<Found<readonly Book[]>>;
  reviews(bookId: string, headers: ForwardedHeaders): Promise<Found<BookReviews>>;
  stock(headers: ForwardedHeaders): Promise<Found<Readonly<Record<string, number>>>>;
  cart(session: string, headers: ForwardedHeaders): Promise<Found<Readonly<Record<string, number>>>>;
  takeFromStock(bookId: string, headers: ForwardedHeaders): Promise<Found<unknown>>;
  addToCart(session: string, bookId: string, headers: ForwardedHeaders): Promise<Found<unknown>>;
  emptyCart(session: string, headers: ForwardedHeaders): Promise<Found<unknown>>;
}

export function createUpstreams(): Upstreams {
  const client = createHttpClient();
  const visit = async <T>(service: string, call: Omit<Call, "address">): Promise<Found<T>> => {
    const startMs = performance.now();
    const done = { service, version: "", pod: "" };
    const durationMs = () => Math.round(performance.now() - startMs);
    try {
      const { status, headers, text } = await client({ ...call, address: addressOf(service, 9080) });
      const seen = {
        ...done,
        status,
        version: String(headers["x-version"] ?? ""),
        pod: String(headers["x-served-by"] ?? ""),
        durationMs: durationMs(),
      };
      return status < 300 ? { value: JSON.parse(text) as T, visit: seen } : { visit: seen };
    } catch {
      return { visit: { ...done, status: 0, durationMs: durationMs() } };
    }
  };
  const id = encodeURIComponent;
  return {
    books: (headers) => visit("catalog", { path: "/books", headers }),
    reviews: (bookId, headers) => visit("reviews", { path: `/books/${id(bookId)}/reviews`, headers }),
    stock: (headers) => visit("stock", { path: "/stock", headers }),
    cart: (session, headers) => visit("cart", { path: `/carts/${id(session)}`, headers }),
    takeFromStock: (bookId, headers) =>
      visit("stock", { method: "POST", path: `/stock/${id(bookId)}/take`, headers }),
    addToCart: (session, bookId, headers) =>
      visit("cart", { method: "POST", path: `/carts/${id(session)}/items`, headers, body: { bookId } }),
    emptyCart: (session, headers) =>
      visit("cart", { method: "DELETE", path: `/carts/${id(session)}`, headers }),
  };
}
