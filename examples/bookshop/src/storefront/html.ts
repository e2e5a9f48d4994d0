// HTML from template literals, in which every inserted text is escaped unless it is HTML itself.

export interface Html {
  readonly html: string;
}

type Inserted = Html | string | number | readonly Html[];

export function html(strings: TemplateStringsArray, ...values: readonly Inserted[]): Html {
  const parts = strings.map((text, position) => text + render(values[position] ?? ""));
  return { html: parts.join("") };
}

export const nothing: Html = { html: "" };

function render(value: Inserted): string {
  if (typeof value === "string" || typeof value === "number") return escapeHtml(String(value));
  return "html" in value ? value.html : value.map((part) => part.html).join("");
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
