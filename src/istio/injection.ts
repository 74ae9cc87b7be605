/** The label, or in older manifests the annotation, by which a pod asks for a sidecar or wants none. */
export const INJECT = 'sidecar.istio.io/inject';

/** The label by which a Namespace has its pods injected, or not. */
export const INJECTION = 'istio-injection';

/** The label that names the revision of istiod that an object is for, or that injects pods. */
export const REVISION = 'istio.io/rev';

/** The annotation that names the templates of the injector, in place of that of the sidecar. */
export const INJECTION_TEMPLATES = 'inject.istio.io/templates';

/** The templates that the annotations of a pod name. */
export function injectionTemplates(annotations: Readonly<Record<string, string>> = {}): string[] {
  return (annotations[INJECTION_TEMPLATES] ?? '').split(',').map((name) => name.trim());
}

/** The annotation with settings of the proxy, as the `defaultConfig` of the mesh has them. */
export const PROXY_CONFIG = 'proxy.istio.io/config';

/** The annotation that names a bootstrap for Envoy beside Istio's. */
export const BOOTSTRAP_OVERRIDE = 'sidecar.istio.io/bootstrapOverride';

/** The annotation that says how traffic comes to the sidecar. */
export const INTERCEPTION_MODE = 'sidecar.istio.io/interceptionMode';

/** The label by which pods, or all of a Namespace, are in ambient mode. */
export const DATAPLANE_MODE = 'istio.io/dataplane-mode';

/** The user and the group of the sidecar. */
export const PROXY_UID = 1337;

/** The container of the sidecar. */
export const PROXY_CONTAINER = 'istio-proxy';
