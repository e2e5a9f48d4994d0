// Stands in for the four services of bookinfo: `bookinfo.mjs productpage|details|ratings`, `bookinfo.mjs reviews VERSION`.
// All listen on 9080. The page's patience with reviews is shorter than reviews' own with ratings, as in the original.

import { hostname } from "node:os";
import { json, serve } from "./http-stand-in.mjs";

const PORT = 9080;
const PAGE_TIMEOUT_MS = 3_000;
const PAGE_ATTEMPTS = 2;
const [service, version = "v1"] = process.argv.slice(2);
const stars = { v2: { color: "black", timeoutMs: 10_000 }, v3: { color: "red", timeoutMs: 2_500 } }[version];
const noReviews = "Sorry, product reviews are currently unavailable for this book.";
const noDetails = "Sorry, product details are currently unavailable for this book.";
const noRatings = "Ratings service is currently unavailable";
// What one call passes on to the calls that it causes.
const passedOn = ["end-user", "x-request-id", "traceparent", "tracestate"];

const services = {
  details: () => json({ id: 0, type: "paperback", pages: 200, language: "English" }),
  ratings: () => json({ id: 0, ratings: { Reviewer1: 5, Reviewer2: 4 } }),
  async reviews(request) {
    const ratings =
      stars && (await call("ratings/0", { headers: headersOf(request), timeoutMs: stars.timeoutMs }));
    const rating = (name) =>
      stars && (ratings ? { stars: ratings.ratings[name], color: stars.color } : { error: noRatings });
    const reviewers = ["Reviewer1", "Reviewer2"];
    return json({
      id: "0",
      podname: hostname(),
      reviews: reviewers.map((reviewer) => ({ reviewer, text: "A play.", rating: rating(reviewer) })),
    });
  },
  productpage(request) {
    const { pathname } = new URL(request.url, "http://productpage");
    return pages[pathname]?.(request) ?? { status: 404 };
  },
};

const pages = {
  async "/productpage"(request) {
    const user = /(?:^|; *)user=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
    const headers = { ...headersOf(request), ...(user === undefined ? {} : { "end-user": user }) };
    const [details, reviews] = await Promise.all([
      call("details/0", { headers, timeoutMs: PAGE_TIMEOUT_MS }),
      callReviews(headers),
    ]);
    const body = [
      `<p>${user ?? "nobody"} is signed in.</p>`,
      details ? `<p>${details.pages} pages</p>` : `<p>${noDetails}</p>`,
      ...(reviews ? describe(reviews) : [`<p>${noReviews}</p>`]),
    ].join("\n");
    return { status: 200, headers: { "content-type": "text/html" }, body: `${body}\n` };
  },
  // `username` is taken from the query: a stand-in reads no forms.
  "/login"(request) {
    const user = new URL(request.url, "http://productpage").searchParams.get("username") ?? "";
    return toPage(`user=${encodeURIComponent(user)}; Path=/`);
  },
  "/logout": () => toPage("user=; Path=/; Max-Age=0"),
};

function describe({ podname, reviews }) {
  const shown = ({ rating }) => (rating?.color ? `${rating.stars} ${rating.color} stars` : rating?.error);
  return [
    `<p>Reviews served by: ${podname}</p>`,
    ...reviews.map((review) => `<p>${shown(review) ?? ""}</p>`),
  ];
}

function toPage(cookie) {
  return { status: 302, headers: { location: "/productpage", "set-cookie": cookie } };
}

async function callReviews(headers) {
  for (let attempt = 1; attempt <= PAGE_ATTEMPTS; attempt += 1) {
    const reviews = await call("reviews/0", { headers, timeoutMs: PAGE_TIMEOUT_MS });
    if (reviews !== undefined) return reviews;
  }
  return undefined;
}

/** `path` begins with the service's name. Undefined for whatever isn't a 200 in time. */
async function call(path, { headers, timeoutMs }) {
  const url = `http://${path.split("/")[0]}:${PORT}/${path}`;
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
    return response.status === 200 ? await response.json() : undefined;
  } catch (error) {
    console.log(`${url}: ${error.cause?.message ?? error.message}`);
    return undefined;
  }
}

function headersOf(request) {
  const present = passedOn.filter((name) => request.headers[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, request.headers[name]]));
}

serve(PORT, services[service]);
