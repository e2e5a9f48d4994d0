// The path that the access log shows of a request. A filter may put another one in its place: without a query that may
// hold a token. Where none does, the log shows what it showed without this.

/** The key of filter state that holds the path to show. */
export const LOGGED_PATH = "meltemi.logged-path";

/** `REQ(X-ENVOY-ORIGINAL-PATH?:PATH):80`, `PATH(WQ:ORIG)` and the like, by command, argument and length. */
const PATH_COMMAND = /%(?:REQ\(([^)%]*)\)|PATH(?:\(([^)%]*)\))?)(:\d+)?%/g;

/** An access log's format in which every command that prints a request's path with its query prints LOGGED_PATH, if set. */
export function showingLoggedPath(format: string): string {
  return format.replace(PATH_COMMAND, (text, header?: string, choices?: string, length = "") => {
    if (!(header === undefined ? hasQuery(choices ?? "") : isPathHeader(header))) return text;
    const own =
      header === undefined
        ? { command: "PATH", ...(choices === undefined ? {} : { param: choices }) }
        : { command: "REQ", param: header };
    const operators = [{ command: "FILTER_STATE", param: `${LOGGED_PATH}:PLAIN` }, own];
    return `%COALESCE(${JSON.stringify({ operators })})${length}%`;
  });
}

function isPathHeader(header: string): boolean {
  const names = header.toLowerCase().split("?");
  return names.includes(":path") || names.includes("x-envoy-original-path");
}

/** Of PATH's argument, `QUERY:HEADERS`: without a query only where it says NQ. */
function hasQuery(choices: string): boolean {
  return choices.split(":")[0] !== "NQ";
}
