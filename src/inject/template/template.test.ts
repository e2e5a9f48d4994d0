import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { podSpec } from "../../kinds/pod/pod-spec.ts";
import { goStruct } from "./go-value.ts";
import { parseTemplate, renderTemplate, templateFunctions } from "./template.ts";

const spec = {
  serviceAccountName: "web",
  containers: [
    {
      name: "web",
      ports: [{ containerPort: 80 }, { containerPort: 53, protocol: "UDP" }, { containerPort: 443 }],
      livenessProbe: { httpGet: { port: 80 } },
    },
  ],
};

const root = {
  a: 2,
  name: "web",
  none: null,
  self: "{{ render .self }}",
  list: [{ n: 7 }, { n: 8 }],
  map: { b: "two", a: "one", list: [1] },
  ObjectMeta: { Annotations: { "sidecar.istio.io/logLevel": "debug" }, Labels: { app: "web" } },
  Spec: goStruct(podSpec, spec),
};

function render(text: string): { readonly value: string } | { readonly fault: string } {
  const parsed = parseTemplate(text);
  if ("fault" in parsed) return parsed;
  return renderTemplate(parsed.value, { root, environment: { REGION: "west" } });
}

/** What Go's own text/template makes of the same, with Istio's functions. */
const rendered: Readonly<Record<string, string>> = {
  "{{ .a }} {{ .name }}": "2 web",
  "{{ .missing }}": "<no value>",
  "a {{- /* gone */ -}} b": "ab",
  "a {{ `x` }} b": "a x b",
  "a\n  {{- .a -}}  \nb": "a2b",
  '{{ "q\\n" }}{{ `\\n` }}': "q\n\\n",
  "{{ if eq .a 1 }}x{{ else if eq .a 2 }}y{{ else }}z{{ end }}": "y",
  "{{ if .none }}x{{ else }}y{{ end }}": "y",
  "{{ if and .name (gt .a 1) }}x{{ end }}": "x",
  "{{ or .none `fallback` }}": "fallback",
  "{{ if or .name .none.deeper }}lazy{{ end }}": "lazy",
  "{{ eq .a 1 2 3 }}{{ ne .name `web` }}{{ not .none }}": "truefalsetrue",
  "{{ lt .a 3 }}{{ le .a 2 }}{{ ge .a 3 }}": "truetruefalse",
  "{{ with .map }}{{ .a }}{{ end }}{{ with .none }}x{{ else }}y{{ end }}": "oney",
  "{{ range .list }}{{ .n }}{{ end }}": "78",
  "{{ range $i, $e := .list }}{{ $i }}:{{ $e.n }} {{ end }}": "0:7 1:8 ",
  "{{ range $k, $v := .ObjectMeta.Labels }}{{ $k }}={{ $v }}{{ end }}": "app=web",
  "{{ range .none }}x{{ else }}nothing{{ end }}": "nothing",
  "{{ range .list }}{{ if eq .n 7 }}{{ continue }}{{ end }}{{ .n }}{{ end }}": "8",
  "{{ range .list }}{{ .n }}{{ break }}{{ end }}": "7",
  "{{ $first := true }}{{ range .list }}{{ if not $first }},{{ end }}{{ .n }}{{ $first = false }}{{ end }}":
    "7,8",
  "{{ range .list }}{{ $.name }}{{ end }}": "webweb",
  "{{ define `x` }}<{{ . }}>{{ end }}{{ template `x` .name }}": "<web>",
  "{{ block `x` .a }}[{{ . }}]{{ end }}": "[2]",
  "{{ (index .list 1).n }}": "8",
  "{{ index .map `list` 0 }}": "1",
  "{{ index .ObjectMeta.Labels `none` }}": "",
  "{{ len .list }}{{ len .name }}": "23",
  "{{ slice .name 1 3 }}": "eb",
  "{{ .a | printf `%03d|%s|%q|%v%%` 5 .name `q` }}": '005|web|"q"|2%',
  "{{ .map.list }}": "[1]",
  "{{ annotation .ObjectMeta `sidecar.istio.io/logLevel` `info` }}": "debug",
  "{{ annotation .ObjectMeta `none` 15020 }}": "15020",
  "{{ isset .ObjectMeta.Annotations `none` }}": "false",
  "{{ valueOrDefault .none `d` }}{{ valueOrDefault .name `d` }}": "dweb",
  "{{ toYaml .map | indent 2 }}": "a: one\n  b: two\n  list:\n  - 1\n  ",
  "x:{{ toYaml .list | nindent 2 }}": "x:\n  - n: 7\n  - n: 8\n  ",
  "{{ toJSON .ObjectMeta.Labels }}{{ structToJSON (index .list 0) }}": '{"app":"web"}{"n":7}',
  '{{ range $k, $v := fromJSON `{"b": 1, "a": [2]}` }}{{ $k }}{{ $v }}{{ end }}': "a[2]b1",
  "{{ .Spec.ServiceAccountName }}{{ .Spec.Hostname }}": "web",
  "{{ eq .Spec.NodeName `` }}{{ .Spec.HostNetwork }}": "truefalse",
  "{{ range .Spec.Containers }}{{ .LivenessProbe.HTTPGet.Port }}{{ end }}": "80",
  "{{ includeInboundPorts .Spec.Containers }}": "80,443",
  "{{ excludeInboundPort 15020 `1,2` }} {{ excludeInboundPort `0` `1` }}": "1,2,15020 1",
  "{{ contains `/` `a/b` }}{{ directory `/etc/certs/ca.pem` }}": "true/etc/certs/",
  "{{ appendMultusNetwork `` `n` }};{{ appendMultusNetwork `a` `n` }};{{ appendMultusNetwork `[]` `n` }}":
    'n;a, n;[{"name":"n"}]',
  "{{ env `REGION` `east` }}{{ env `ZONE` `z` }}": "westz",
  "{{ toJSON (omit (strdict `a` `1` `b` `2`) `a`) }}": '{"b":"2"}',
  "{{ render `{{ $.name }}` }}": "web",
  "{{ quote .name .a }} {{ default `d` .none }} {{ toUpper .name }} {{ join `,` .map.list }}":
    '"web" "2" d WEB 1',
  "{{ ternary `y` `n` (hasKey .map `a`) }}{{ trimSuffix `b` `web` }}": "ywe",
  "{{- 3 -}}": "3",
};

for (const [text, value] of Object.entries(rendered)) {
  test(`renderTemplate() of ${text}`, () => assert.deepEqual(render(text), { value }));
}

const faulty: Readonly<Record<string, RegExp>> = {
  "a\n{{ .a.b }}": /^line 2, column 4: number 2 has no field "b"$/,
  "{{ .none.x }}": /nil has no field "x"/,
  "{{ .Spec.Nmae }}": /there is no field "Nmae"/,
  "{{ .a": /isn't closed/,
  "{{ }}": /found nothing to evaluate/,
  "{{ if .a }}x": /this "if" has no "end"/,
  "{{ end }}": /found "end" without anything/,
  "{{ else }}": /found "else" without anything/,
  "{{ .a .name }}": /only a function takes arguments/,
  "{{ nosuch .a }}": /there is no function "nosuch"/,
  "{{ $x }}": /there is no variable "\$x"/,
  "{{ if .a }}{{ $x := 1 }}{{ end }}{{ $x }}": /there is no variable/,
  "{{ eq .a .name }}": /cannot compare number 2 with string "web"/,
  "{{ eq .list 1 }}": /cannot compare a list/,
  "{{ printf `%d` .name }}": /printf wants a whole number/,
  "{{ printf `%s` }}": /printf has no value for %s/,
  "{{ indent `2` `x` }}": /wanted a whole number/,
  "{{ index .list 5 }}": /a list of 2 has no item 5/,
  "{{ fromJSON `{` }}": /^line 1, column 4: fromJSON: /,
  "{{ annotation .ObjectMeta `x` }}": /"annotation" takes 3 arguments, found 2/,
  "{{ break }}": /"break" stands outside of a range/,
  "{{ template `x` }}": /there is no template "x"/,
  "{{ range .name }}{{ end }}": /cannot range over string "web"/,
  '{{ "a }}': /nothing begins with/,
  "{{ (.a }}": /has no "\)"/,
};

for (const [text, fault] of Object.entries(faulty)) {
  test(`renderTemplate() tells what is wrong with ${JSON.stringify(text)}`, () => {
    const result = render(text);
    assert.ok("fault" in result, JSON.stringify(result));
    assert.match(result.fault, fault);
  });
}

const excessive: Readonly<Record<string, string>> = {
  loops: "{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}",
  output: `{{ range 2000 }}${"x".repeat(1000)}{{ end }}`,
  recursion: "{{ define `x` }}{{ template `x` }}{{ end }}{{ template `x` }}",
  rendering: "{{ render .self }}",
  nesting: `${"{{ if .a }}".repeat(100)}${"{{ end }}".repeat(100)}`,
  parentheses: `{{ ${"(".repeat(100)}1${")".repeat(100)} }}`,
};

for (const [name, text] of Object.entries(excessive)) {
  test(`renderTemplate() ends where there is no end to ${name}`, () => assert.ok("fault" in render(text)));
}

test("a map's own names are all that a template reaches", () => {
  for (const name of ["constructor", "__proto__", "toString"]) {
    assert.deepEqual(render(`{{ .map.${name} }}`), { value: "<no value>" });
    assert.ok("fault" in render(`{{ ${name} 1 2 }}`) || name === "toString");
  }
});

test("any text is rendered or has a fault, and never throws", () => {
  const words = [
    ...[
      "{{",
      "}}",
      "{{-",
      "-}}",
      "(",
      ")",
      "|",
      ":=",
      "=",
      ",",
      " ",
      ".",
      "$",
      "$x",
      ".a",
      ".map",
      ".list",
      "1",
      "`s`",
    ],
    ...[
      "if",
      "else",
      "end",
      "range",
      "with",
      "define",
      "block",
      "template",
      "break",
      "nil",
      "true",
      '"',
      "\n",
    ],
    ...Object.keys(templateFunctions),
  ];
  let renderedCount = 0;
  const text = fc.array(fc.constantFrom(...words), { maxLength: 24 }).map((parts) => parts.join(" "));
  const action = text.map((inner) => `{{ ${inner.replaceAll(/\{\{-?|-?\}\}/g, "")} }}`);
  fc.assert(
    fc.property(fc.oneof(text, action, fc.string()), (template) => {
      const result = render(template);
      if ("value" in result && template.includes("{{")) renderedCount++;
    }),
    { numRuns: 2000 },
  );
  // About 20 of 2,000.
  assert.ok(renderedCount > 2);
});
