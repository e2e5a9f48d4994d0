{{- /* Made by src/install/helm-chart.ts: change the builders there, then make it anew. */}}
{{- define "gateway.name" -}}
{{- .Values.name | default .Release.Name -}}
{{- end }}
