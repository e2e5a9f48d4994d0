// An app's page, line by line: brought into the merged page's format, and rid of what would cost the scraper the whole page.
// One line that a Prometheus can't read is the end of all metrics of the pod.

import type { ExpositionFormat } from "./exposition-format.ts";

export interface PageLinesOptions {
  readonly from: ExpositionFormat;
  readonly to: ExpositionFormat;
  /** `TYPE` and `HELP` of families that the merged page has: strict readers refuse a second one. */
  readonly described: Set<string>;
  /** Told of the first line that was left out, cut short. */
  readonly onUnreadable: (line: string) => void;
}

const MAX_QUOTED_CHARACTERS = 80;

/** Turns whole lines into whole lines. */
export function createPageLines(options: PageLinesOptions): (lines: Buffer) => string {
  const { from, to, onUnreadable } = options;
  const counters = new Set<string>();
  let hasEnded = false;
  let hasUnreadable = false;
  const convert = from === "openmetrics" && to === "text" ? textLineOf : (line: string) => line;
  return (lines) => {
    let kept = "";
    for (const raw of lines.toString("utf8").split("\n")) {
      const line = raw.trimEnd();
      if (hasEnded || line === "") continue;
      hasEnded = from === "openmetrics" && line === "# EOF";
      if (hasEnded) continue;
      if (line.startsWith("#")) kept += commentOf(convert(line, counters), options);
      else if (isSample(line, from)) kept += `${convert(line, counters)}\n`;
      else if (!hasUnreadable) {
        hasUnreadable = true;
        onUnreadable(line.slice(0, MAX_QUOTED_CHARACTERS));
      }
    }
    return kept;
  };
}

// Each repetition begins with what the one before can't end with, so a line is read in one pass.
const LABELS = String.raw`\{[ \t]*(?:[a-zA-Z_]\w*[ \t]*=[ \t]*"(?:[^"\\]|\\.)*"[ \t]*(?:,[ \t]*|(?=\})))*\}`;
const NUMBER = String.raw`[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|Inf|inf|NaN|nan)`;
const SAMPLE = String.raw`^([a-zA-Z_:][\w:]*(?:[ \t]*${LABELS}[ \t]*|[ \t]+)${NUMBER})`;
const TEXT_SAMPLE = new RegExp(String.raw`${SAMPLE}(?:[ \t]+-?\d+)?$`);
const OPENMETRICS_SAMPLE = new RegExp(
  `${SAMPLE}(?: (${NUMBER}))?(?: # ${LABELS} ${NUMBER}(?: ${NUMBER})?)?$`,
);
// V8's regular expressions keep a step for each character of a quoted value.
const MAX_LINE_CHARACTERS = 64 * 1024;

function isSample(line: string, format: ExpositionFormat): boolean {
  if (line.length > MAX_LINE_CHARACTERS) return false;
  return (format === "text" ? TEXT_SAMPLE : OPENMETRICS_SAMPLE).test(line);
}

const DESCRIPTION = /^# (TYPE|HELP|UNIT) ([a-zA-Z_:][\w:]*)(?: |$)/;
const TEXT_TYPES = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);
const OPENMETRICS_TYPES = new Set([
  ...["counter", "gauge", "histogram", "summary", "unknown"],
  ...["gaugehistogram", "stateset", "info"],
]);

/** Empty for what says nothing to a reader, or again what was said. */
function commentOf(line: string, { to, described }: PageLinesOptions): string {
  const [, keyword = "", name = ""] = DESCRIPTION.exec(line) ?? [];
  if (keyword === "" || (keyword === "UNIT" && to === "text")) return "";
  const type = line.slice(`# TYPE ${name} `.length);
  if (keyword === "TYPE" && !(to === "text" ? TEXT_TYPES : OPENMETRICS_TYPES).has(type)) return "";
  const key = `${keyword} ${name}`;
  if (described.has(key)) return "";
  described.add(key);
  return `${line}\n`;
}

/** Counters have their suffix in the description too, there are fewer types, no exemplars, and time is in milliseconds. */
function textLineOf(line: string, counters: Set<string>): string {
  if (!line.startsWith("#")) {
    const [, sample = "", seconds] = OPENMETRICS_SAMPLE.exec(line) ?? [];
    return seconds === undefined ? sample : `${sample} ${Math.round(Number(seconds) * 1000)}`;
  }
  const [, keyword = "", name = "", rest = ""] = /^# (TYPE|HELP) (\S+)(.*)$/.exec(line) ?? [];
  if (keyword === "") return line;
  if (keyword === "HELP") return `# HELP ${counters.has(name) ? `${name}_total` : name}${rest}`;
  switch (rest.trim()) {
    case "counter":
      counters.add(name);
      return `# TYPE ${name}_total counter`;
    case "info":
      return `# TYPE ${name}_info gauge`;
    case "stateset":
      return `# TYPE ${name} gauge`;
    case "gaugehistogram":
    case "unknown":
      return `# TYPE ${name} untyped`;
    default:
      return line;
  }
}

/** Notes which families whole lines describe. */
export function noteDescriptions(lines: Buffer, described: Set<string>): void {
  for (const mark of ["# TYPE ", "# HELP "]) {
    for (let at = lines.indexOf(mark); at >= 0; at = lines.indexOf(mark, at + 1)) {
      if (at > 0 && lines[at - 1] !== 0x0a) continue;
      const from = at + mark.length;
      // Names are short; what isn't one is no family of an app's either.
      const [name = ""] = lines.toString("latin1", from, from + 256).split(/[ \n]/);
      described.add(`${mark.slice(2)}${name}`);
    }
  }
}

/** Whole lines of Prometheus's text as OpenMetrics, which knows counters by their suffix alone and has no empty lines. */
export function openMetricsOf(lines: Buffer): Buffer {
  const text = lines
    .toString("utf8")
    .replaceAll(/^# TYPE (\S+) (\S+)$/gm, (_, name: string, type: string) => {
      if (type === "counter" && !name.endsWith("_total")) return `# TYPE ${name} unknown`;
      return `# TYPE ${familyOf(name)} ${type === "untyped" ? "unknown" : type}`;
    })
    .replaceAll(/^# HELP (\S+)/gm, (_, name: string) => `# HELP ${familyOf(name)}`)
    .replaceAll(/^\n+/gm, "");
  return Buffer.from(text);
}

function familyOf(name: string): string {
  return name.replace(/_total$/, "");
}
