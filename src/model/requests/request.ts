import { Spoken } from '../../access/access-table';

/** A workload that makes requests. */
export interface ModelCaller {
  readonly namespace: string;
  readonly serviceAccount: string;
  /**
   * Labels of its pod. The pod's annotations are those of the pod template with these labels among the manifests.
   * @default - `app: <name>`, or `app: <service account>` without a name
   */
  readonly labels?: Record<string, string>;
  readonly name?: string;
  /** Annotations below traffic.sidecar.istio.io/ that the pod has, whatever its template says. */
  readonly capture?: Record<string, string>;
  /** Whether its sidecar answers DNS itself. @default - the pod's annotations, else the mesh's setting */
  readonly dnsCapture?: boolean;
  /** All annotations of its pod, instead of those of a pod template. */
  readonly annotations?: Record<string, string>;
}

/** The labels of its pod, given or not. */
export function labelsOf({ labels, name, serviceAccount }: ModelCaller): Record<string, string> {
  return labels ?? { app: name ?? serviceAccount };
}

/** A request, as in a row of an access table. */
export interface ModelRequest {
  /** `http://`, `https://` or `tcp://host:port`. */
  readonly url: string;
  /** @default "GET" */
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** The address to dial, if not the host's own. */
  readonly dial?: string;
  /** The protocol, if neither HTTP/1.1 nor HTTPS. */
  readonly speak?: Spoken;
  /** Whether redirects are followed. @default false */
  readonly follow?: boolean;
}
