// The reviews themselves, by book.

import type { Review } from "./book-reviews.ts";

export const readerReviews: Readonly<Record<string, readonly Review[]>> = {
  odyssey: [
    { reader: "Penelope", text: "Too long. I finished a shroud, twice, before it ended." },
    { reader: "Aeolus", text: "I gave clear instructions about the bag." },
  ],
  "moby-dick": [
    { reader: "Ishmael", text: "You may call me satisfied." },
    { reader: "A whale", text: "One-sided." },
  ],
  leagues: [
    { reader: "Ned Land", text: "The library is excellent. I would still like to leave." },
    { reader: "A giant squid", text: "Accurate enough, though I come off badly." },
  ],
  "treasure-island": [
    { reader: "Ben Gunn", text: "Not enough cheese." },
    { reader: "Jim H.", text: "Read it in one sitting, inside a barrel." },
  ],
  alone: [
    { reader: "The pilot of the Pinta", text: "I steered while he slept and get half a page." },
    { reader: "V. Slocum", text: "He never once asked for directions." },
  ],
  tempest: [
    { reader: "Ariel", text: "Hired for one storm, stayed for five acts." },
    { reader: "Caliban", text: "Be not afeard: the print is large." },
  ],
};
