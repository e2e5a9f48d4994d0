// Whether pushes are traced: as any program with OpenTelemetry is told, by its environment.

import type { Logger } from "../core/logger.ts";
import type { PushTraces } from "./push-traces.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined unless OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says where to. */
export async function openPushTraces(
  environment: Environment,
  { version, instance, log }: { readonly version: string; readonly instance: string; readonly log: Logger },
): Promise<PushTraces | undefined> {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: shared } = environment;
  const endpoint = own || shared;
  const isOff = environment.OTEL_SDK_DISABLED === "true" || environment.OTEL_TRACES_EXPORTER === "none";
  if (!endpoint || isOff) return undefined;
  const protocol = environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || environment.OTEL_EXPORTER_OTLP_PROTOCOL;
  if (protocol !== undefined && protocol !== "" && protocol !== "http/protobuf")
    log.warn({ found: protocol, wanted: "http/protobuf" }, "push traces go by another protocol");
  const [{ createPushTraces }, { diag, DiagLogLevel }] = await Promise.all([
    import("./push-traces.ts"),
    import("@opentelemetry/api"),
  ]);
  const tell = (message: string, ...details: unknown[]) => log.warn({ details }, `push traces: ${message}`);
  const silent = () => undefined;
  diag.setLogger(
    { error: tell, warn: tell, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  return createPushTraces({
    ...{ version, instance, log },
    serviceName: environment.OTEL_SERVICE_NAME || undefined,
  });
}
