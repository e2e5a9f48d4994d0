// What the shop sells: stories of wind and sea, all long out of copyright.

export interface Book {
  readonly id: string;
  readonly title: string;
  readonly author: string;
  readonly year: string;
  readonly blurb: string;
  readonly priceCents: number;
  /** Of the cover, in degrees. */
  readonly hue: number;
}

export const books: readonly Book[] = [
  {
    id: "odyssey",
    title: "The Odyssey",
    author: "Homer",
    year: "c. 700 BC",
    blurb: "A bag of winds, opened too early, and ten years to get home.",
    priceCents: 1_400,
    hue: 205,
  },
  {
    id: "moby-dick",
    title: "Moby-Dick",
    author: "Herman Melville",
    year: "1851",
    blurb: "A captain, a whale, and everything there is to know about rope.",
    priceCents: 1_650,
    hue: 222,
  },
  {
    id: "leagues",
    title: "Twenty Thousand Leagues Under the Seas",
    author: "Jules Verne",
    year: "1870",
    blurb: "The wind can't reach you at forty fathoms; Captain Nemo counts on it.",
    priceCents: 1_250,
    hue: 172,
  },
  {
    id: "treasure-island",
    title: "Treasure Island",
    author: "Robert Louis Stevenson",
    year: "1883",
    blurb: "A map, a parrot, and an apple barrel with very thin walls.",
    priceCents: 990,
    hue: 38,
  },
  {
    id: "alone",
    title: "Sailing Alone Around the World",
    author: "Joshua Slocum",
    year: "1900",
    blurb: "Forty-six thousand miles, one man, one alarm clock.",
    priceCents: 1_180,
    hue: 12,
  },
  {
    id: "tempest",
    title: "The Tempest",
    author: "William Shakespeare",
    year: "1611",
    blurb: "The best staged storm in literature, and nobody gets wet.",
    priceCents: 850,
    hue: 278,
  },
];
