/** A workload that makes requests. */
export interface ModelCaller {
  readonly namespace: string;
  readonly serviceAccount: string;
  /**
   * Labels of its pod. A pod template of the manifests with these labels gives the pod its annotations. @default -
   * `app: <name>`, or `app: <service account>` without a name
   */
  readonly labels?: Record<string, string>;
  readonly name?: string;
  /** Annotations below traffic.sidecar.istio.io/ that the pod carries whatever the manifests say. */
  readonly capture?: Record<string, string>;
  /** Whether its sidecar answers DNS itself. @default - the mesh's setting, or what its pod's annotations say */
  readonly dnsCapture?: boolean;
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
  /**
   * What the application speaks, where it is not plain HTTP/1.1 or HTTPS: HTTP/2 without asking first, a unary gRPC
   * call, a WebSocket.
   */
  readonly speak?: 'http2' | 'grpc' | 'websocket';
  /** Whether redirects are followed. @default false */
  readonly follow?: boolean;
}
