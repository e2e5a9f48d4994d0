// For tests: expressions that Envoys take and don't, which a real one is asked about too.

export const takenExpressions = [
  "response.code >= 500",
  "'x-a' in request.headers && request.headers['x-a'].startsWith('b')",
  "request.url_path.matches('^/a') ? true : size(request.method) in [3, 4]",
  "has(request.id) || !has(connection.requested_server_name)",
  "request.time.getHours('UTC') < 6 && request.time.getDayOfWeek() == 0",
  "request.duration > duration('1s') && int(request.headers['content-length']) % 2 == 0",
  "matches(request.path, r'^/items/[0-9]{1,9}$') && type(response.code) == int",
  "contains(request.host, 'a') && endsWith(request.host, 'b') && startsWith(request.host, 'c')",
  "{'a': 1.5, 'b': -1}['a'] < 2.0 && bytes('x') == b'x' && bool('true') && double('1') == 1.0",
  "timestamp('2026-01-01T00:00:00Z') < request.time && uint(1) == 1u && dyn(1) == 1",
] as const;

/** With what is said of each. */
export const refusedExpressions: Readonly<Record<string, string>> = {
  "response.code >= ": "found > at character 15",
  "'x": "found ' at character 1",
  "a b": "found b at character 3",
  "string(response.code) == '500'": "Envoys have no function string() of 1 argument",
  "request.method.lowerAscii() == 'get'": "Envoys have no function .lowerAscii() of 0 arguments",
  "size(request.method, 3) == 3": "Envoys have no function size() of 2 arguments",
  "true && [1, {2: nope()}] == []": "Envoys have no function nope() of 0 arguments",
  "has(request.headers['x-a'])": "has() takes a field, such as has(a.b)",
  "[1, 2].exists(x, x == response.code)": "Envoys go through no lists: exists()",
  "request.path.matches('(?=a)')": "RE2 has no look-around",
  "matches(request.path, '(')": "Unterminated group",
};
