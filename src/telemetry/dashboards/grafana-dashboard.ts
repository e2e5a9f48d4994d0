// A dashboard in Grafana's JSON, as its import takes it. The data source is a variable: it is nobody's in particular.

import type { Dashboard, Panel, Row, Variable } from "./dashboard.ts";

const DATASOURCE = { type: "prometheus", uid: "$datasource" };
const GRID_WIDTH = 24;
const PANEL_HEIGHT = 8;
const MAX_PANELS_A_LINE = 4;
/** Of Grafana 11; newer ones read it. */
const SCHEMA_VERSION = 39;

export function grafanaDashboard(dashboard: Dashboard): object {
  const { name, title, variables, rows } = dashboard;
  return {
    uid: `meltemi-${name}`,
    title,
    tags: ["meltemi", "istio"],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    graphTooltip: 1,
    refresh: "15s",
    time: { from: "now-30m", to: "now" },
    templating: { list: [datasourceVariable, ...variables.map(queryVariable)] },
    panels: placePanels(rows),
  };
}

const datasourceVariable = {
  name: "datasource",
  label: "Data source",
  type: "datasource",
  query: "prometheus",
};

function queryVariable({ name, label, values }: Variable): object {
  return {
    ...{ name, label, type: "query", datasource: DATASOURCE, refresh: 2, sort: 1 },
    query: { query: `label_values(${values.selector}, ${values.label})`, refId: name },
  };
}

function placePanels(rows: readonly Row[]): readonly object[] {
  const placed: object[] = [];
  let y = 0;
  const place = (panel: object, gridPos: object) => placed.push({ id: placed.length + 1, ...panel, gridPos });
  for (const { title, panels } of rows) {
    place({ type: "row", title, collapsed: false, panels: [] }, { x: 0, y, w: GRID_WIDTH, h: 1 });
    y += 1;
    for (let first = 0; first < panels.length; first += MAX_PANELS_A_LINE) {
      const line = panels.slice(first, first + MAX_PANELS_A_LINE);
      const w = Math.floor(GRID_WIDTH / line.length);
      for (const [at, panel] of line.entries())
        place(grafanaPanel(panel), { x: at * w, y, w, h: PANEL_HEIGHT });
      y += PANEL_HEIGHT;
    }
  }
  return placed;
}

function grafanaPanel({ title, description, kind, unit, queries }: Panel): object {
  return {
    type: kind,
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: "never" } },
      overrides: [],
    },
    options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets: queries.map(({ promql, legend }, at) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + at),
      datasource: DATASOURCE,
      expr: promql,
      legendFormat: legend,
    })),
  };
}
