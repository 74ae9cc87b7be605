/** A workload that makes requests. */
export interface ModelCaller {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Labels of its pod. A pod template of the manifests with these labels gives the pod its annotations. @default - `app: <name>`, or `app: <service account>` without a name */
  readonly labels?: Record<string, string>;
  readonly name?: string;
  /** Annotations below traffic.sidecar.istio.io/ that the pod carries whatever the manifests say. */
  readonly capture?: Record<string, string>;
  /** All annotations of its pod, in place of those of a pod template. */
  readonly annotations?: Record<string, string>;
}

/** A request, as a row of an access table has it. */
export interface ModelRequest {
  /** `http://`, `https://` or `tcp://host:port`. */
  readonly url: string;
  /** @default "GET" */
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Another address to dial than the host's own. */
  readonly dial?: string;
  /** Whether redirects are followed. @default false */
  readonly follow?: boolean;
}
