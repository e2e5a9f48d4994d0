{{- /* Made by src/install/helm-chart.ts: change the builders there, then make it anew. */}}
{{- define "meltemi.suffix" -}}
{{- if ne .Values.revision "default" }}-{{ .Values.revision }}{{ end -}}
{{- end }}
