import { FieldRef } from '../../answer/answer';
import { Condition } from '../../answer/conditions';
import { PodDns } from '../pod-dns';
import { Labels } from '../../../manifests/selectors';

/** The pods of one gateway. */
export interface GatewayWorkload {
  /** Its name in answers: `<namespace>/<name>`. */
  readonly id: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** Whether the pods may have labels beside these, because they are known only from what selects them. */
  readonly hasOtherLabels?: boolean;
  /** Unknown where the pods are known only from a Service or a Gateway's selector. */
  readonly serviceAccount?: string;
  /** The service account with which Istio's Helm chart installs it, where it is said to have done so. */
  readonly usualAccount?: string;
  /** The number of the port that a Service's targetPort refers to by name. */
  readonly namedPort?: number;
  /** The ports of its containers, by name, where a pod template tells them. */
  readonly containerPorts?: ReadonlyMap<string, number>;
  /** Whether its pods may listen on other ports than the model assumes. */
  readonly hasAssumedPorts?: boolean;
  /** What says that its pods may open no port below 1024, for which istiod then makes no listener. */
  readonly unprivileged?: FieldRef;
  /** Whether `envoyDebugHeaders` are disabled, so that Envoy adds no headers about itself. */
  readonly hidesEnvoyHeaders?: boolean;
  /** Whether its proxies preserve the case of headers. */
  readonly preservesCase?: boolean;
  /** How they look up names, where that is not usual. */
  readonly dns?: PodDns;
  /** What the model assumes about it, where the manifests do not say. */
  readonly assumption?: string;
  /** What must be so for an answer through this gateway to hold, and how to say that it is. */
  readonly condition?: Condition;
}

/** The number of a Service's targetPort at the pods of a gateway. */
export function podPort({ namedPort, containerPorts }: GatewayWorkload, port: number, targetPort: unknown): number {
  if (typeof targetPort === 'number') return targetPort;
  if (typeof targetPort !== 'string') return port;
  return /^\d+$/.test(targetPort) ? Number(targetPort) : (containerPorts?.get(targetPort) ?? namedPort ?? port);
}

/** The port of a gateway's pods, unless it is only assumed. */
export function knownPort({ hasAssumedPorts }: GatewayWorkload, port: number): number | undefined {
  return hasAssumedPorts ? undefined : port;
}
