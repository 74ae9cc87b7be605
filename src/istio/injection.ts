/** The label, or in older manifests the annotation, by which a pod asks for a sidecar or wants none. */
export const INJECT = 'sidecar.istio.io/inject';

/** The label by which a Namespace has its pods injected, or not. */
export const INJECTION = 'istio-injection';

/** The label that names the revision of istiod that an object is for, or that injects pods. */
export const REVISION = 'istio.io/rev';

/** The container of the sidecar. */
export const PROXY_CONTAINER = 'istio-proxy';
