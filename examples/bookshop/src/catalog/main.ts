// The catalog: which books there are. `FAIL_PERCENT` makes a bad replica of it, and `?delayMs=` a slow answer,
// for the tasks that need one.

import { setTimeout as delay } from "node:timers/promises";
import type { Request } from "../service/http-service.ts";
import { json, startHttpService } from "../service/http-service.ts";
import { books } from "./books.ts";

const MAX_DELAY_MS = 5_000;
const failPercent = Number(process.env.FAIL_PERCENT ?? 0);

startHttpService({
  name: "catalog",
  defaultPort: 9080,
  routes: [
    {
      method: "GET",
      path: "/books",
      answer: async (request) => {
        await delay(delayMs(request));
        return isFailure() ? json({ error: "this replica is broken" }, 500) : json(books);
      },
    },
    {
      method: "GET",
      path: "/books/:id",
      answer: ({ params }) => {
        if (isFailure()) return json({ error: "this replica is broken" }, 500);
        const book = books.find(({ id }) => id === params.id);
        return book === undefined ? json({ error: `no book "${params.id}"` }, 404) : json(book);
      },
    },
  ],
});

function isFailure(): boolean {
  return Math.random() * 100 < failPercent;
}

function delayMs({ url }: Request): number {
  const asked = Number(url.searchParams.get("delayMs") ?? 0);
  return Number.isFinite(asked) ? Math.min(Math.max(asked, 0), MAX_DELAY_MS) : 0;
}
