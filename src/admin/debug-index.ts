// The list of debug pages for a person with a browser.

/** What a page is about: the mesh, or one proxy. */
export interface IndexedPage {
  readonly of: "mesh" | "proxy";
  readonly summary: string;
}

export function debugIndex(pages: Readonly<Record<string, IndexedPage>>): string {
  const rows = Object.entries(pages).map(([name, page]) => {
    const path = page.of === "proxy" ? `${name}?proxyID=POD.NAMESPACE` : name;
    return `<tr><td><a href="/debug/${path}">${path}</a></td><td>${page.summary}</td></tr>`;
  });
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Debug pages</title></head>
<body>
<h1>Debug pages</h1>
<table>
${rows.join("\n")}
</table>
</body>
</html>
`;
}
