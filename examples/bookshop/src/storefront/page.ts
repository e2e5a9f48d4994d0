// The page of the shop, from what its upstreams answered. Pure; the page works without scripts and shows what failed.

import type { Book } from "../catalog/books.ts";
import type { BookReviews, Stars } from "../reviews/book-reviews.ts";
import type { Html } from "./html.ts";
import { html, nothing } from "./html.ts";
import { liveScript } from "./live-script.ts";
import { stylesheet } from "./stylesheet.ts";
import type { Visit } from "./upstreams.ts";

export interface ShopPage {
  readonly books: readonly Book[];
  readonly selected: Book;
  readonly isFrontPage: boolean;
  readonly reviews: BookReviews | undefined;
  readonly copiesByBook: Readonly<Record<string, number>>;
  readonly cart: Readonly<Record<string, number>>;
  readonly userName: string;
  readonly visits: readonly Visit[];
}

export function renderShop(page: ShopPage): string {
  const { selected, books } = page;
  return document(
    selected.title,
    html`
      ${header(page)}
      <main>
        <section class="feature">
          ${cover(selected, "large")}
          <div class="about">
            ${page.isFrontPage ? html`<p class="kicker">Book of the day</p>` : nothing}
            <h1>${selected.title}</h1>
            <p class="author">${selected.author} · ${selected.year}</p>
            <p class="blurb">${selected.blurb}</p>
            <div class="buy">
              <span class="price">${price(selected)}</span>
              ${copies(selected, page.copiesByBook)}
              <form method="post" action="/cart">
                <input type="hidden" name="bookId" value="${selected.id}" />
                <button>Add to cart</button>
              </form>
            </div>
          </div>
          ${reviewsPanel(page)}
        </section>
        <h2>On the shelf</h2>
        <section class="shelf">
          ${books.filter(({ id }) => id !== selected.id).map((book) => shelfBook(book, page.copiesByBook))}
        </section>
      </main>
      ${callsTable(page.visits)}
      <script>${{ html: liveScript }}</script>`,
  );
}

export function renderClosed(visits: readonly Visit[]): string {
  return document(
    "Closed",
    html`
      <main>
        <section class="closed">
          <h1>The catalog doesn't answer</h1>
          <p>Without it there is nothing to sell. Try again in a moment.</p>
        </section>
      </main>
      ${callsTable(visits)}`,
  );
}

function document(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title} · Windward Books</title>
    <link rel="icon" href="data:," />
    <style>${{ html: stylesheet }}</style>
  </head>
  <body>${body}
  </body>
</html>
`.html;
}

function header({ cart, books, userName }: ShopPage): Html {
  const entries = Object.entries(cart);
  const itemCount = entries.reduce((sum, [, count]) => sum + count, 0);
  const titles = entries.map(
    ([id, count]) => `${count} × ${books.find((book) => book.id === id)?.title ?? id}`,
  );
  return html`
      <header>
        <a class="brand" href="/">${wave()} Windward Books</a>
        <form class="user" method="post" action="/user">
          ${
            userName === ""
              ? html`<input name="name" placeholder="your name" aria-label="Your name" maxlength="30" /><button class="quiet">Sign in</button>`
              : html`<span>Hello, <b>${userName}</b></span><button class="quiet">Sign out</button>`
          }
        </form>
        <form class="cart" method="post" action="/cart/empty">
          <span title="${titles.join("\n")}">Cart <b class="count">${itemCount}</b></span>
          ${itemCount === 0 ? nothing : html`<button class="quiet">Empty</button>`}
        </form>
      </header>`;
}

function shelfBook(book: Book, copiesByBook: ShopPage["copiesByBook"]): Html {
  return html`
          <a class="book" href="/books/${book.id}">
            ${cover(book, "small")}
            <b>${book.title}</b>
            <span class="author">${book.author}</span>
            <span class="line">${price(book)} ${copies(book, copiesByBook)}</span>
          </a>`;
}

function cover(book: Book, size: "large" | "small"): Html {
  return html`<div class="cover ${size}" style="--hue: ${book.hue}" aria-hidden="true">
              <span class="cover-title">${book.title}</span>${wave()}<span class="cover-author">${book.author}</span>
            </div>`;
}

function wave(): Html {
  return {
    html: '<svg class="wave" viewBox="0 0 60 24" aria-hidden="true"><path d="M2 8q7-8 14 0t14 0 14 0 14 0M2 16q7-8 14 0t14 0 14 0 14 0" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/></svg>',
  };
}

function copies(book: Book, copiesByBook: ShopPage["copiesByBook"]): Html {
  const count = copiesByBook[book.id];
  const text = count === undefined ? "stock unknown" : count === 0 ? "sold out" : `${count} left`;
  return html`<span class="stock" data-stock="${book.id}">${text}</span>`;
}

function reviewsPanel({ reviews, visits, selected }: ShopPage): Html {
  if (reviews === undefined) {
    const status = visits.find(({ service }) => service === "reviews")?.status ?? 0;
    const reason = status === 0 ? "no answer" : `status ${status}`;
    return html`<aside class="reviews failed"><h2>Reviews</h2><p>Not available just now (${reason}).</p></aside>`;
  }
  return html`
          <aside class="reviews">
            <h2>Reviews <span class="version ${reviews.version}">${reviews.version}</span></h2>
            ${reviews.stars === undefined ? nothing : starsRow(reviews.stars, selected)}
            ${reviews.reviews.map(
              ({ reader, text }) => html`<blockquote>${text}<cite>${reader}</cite></blockquote>`,
            )}
          </aside>`;
}

function starsRow(stars: Stars, book: Book): Html {
  if (stars.kind === "unavailable")
    return html`<p class="failed" title="${stars.reason}">Ratings not available.</p>`;
  const average = stars.average.toFixed(1);
  const buttons = [1, 2, 3, 4, 5].map(
    (count) => html`<button name="stars" value="${count}" title="Rate ${count} of 5">★</button>`,
  );
  return html`
            <form class="stars ${stars.color}" method="post" action="/ratings" data-rating="${book.id}" style="--filled: ${stars.average}">
              <input type="hidden" name="bookId" value="${book.id}" />
              <span class="row">${buttons}</span>
              <span class="average">${average} of 5, ${stars.count} readers</span>
            </form>`;
}

function callsTable(visits: readonly Visit[]): Html {
  return html`
      <footer>
        <h2>How this page came together</h2>
        <ul>${visits.map(
          ({ service, status, version, pod, durationMs }) => html`
          <li class="${status >= 200 && status < 300 ? "good" : "bad"}">
            <b>${service}</b> <span>${version}</span>
            <span class="status">${status === 0 ? "no answer" : status}</span>
            <span class="time">${durationMs} ms</span>
            <span class="pod">${pod}</span>
          </li>`,
        )}
        </ul>
      </footer>`;
}

function price({ priceCents }: Book): string {
  return `€ ${(priceCents / 100).toFixed(2)}`;
}
