import { PortSettings } from './settings';
import { isTls } from '../istio/protocols';
import { canSelectSamePod } from '../values/names';

/** Which workloads TLS is originated for, and to which port: several originations for one host must not overlap. */
export interface OriginationScope {
  /** The port of the external host that speaks TLS, if it is not the default of the egress path. */
  readonly port?: number;
  /** The workloads whose sidecars present the client certificate; undefined if a gateway does. */
  readonly certificateOwners?: CertificateOwner[];
}

/** What a TLS origination declares for one host, as plain data: two declarations agree if these are equal. */
export interface OriginationSettings extends OriginationScope {
  readonly sni: string;
  readonly subjectAltNames: string[];
  /** The path of a file, or `system`. */
  readonly caPath?: string;
  readonly caConfigMap?: string;
  readonly clientSecret?: string;
  readonly clientCertificatePath?: string;
  readonly clientKeyPath?: string;
}

/** Pods whose sidecars present a client certificate. */
export interface CertificateOwner {
  readonly serviceAccountName: string;
  readonly podLabels: Record<string, string>;
}

/** The port of the external host to which originated TLS goes. */
export function originationPort(origination: OriginationScope, ports: PortSettings[]): number {
  return origination.port ?? defaultTlsPort(ports);
}

/** The port on which the external host speaks TLS: the declared TLS port if there is exactly one, otherwise 443. */
export function defaultTlsPort(ports: PortSettings[]): number {
  const tls = ports.filter(({ protocol }) => isTls(protocol));
  return tls.length === 1 ? tls[0].number : 443;
}

/** The ports of the external host to which proxies connect. */
export function externalPorts(ports: PortSettings[], origination: OriginationSettings | undefined): number[] {
  return ports.map((port) => (origination && port.http ? originationPort(origination, ports) : port.number));
}

/** Why two originations could both apply to one pod; undefined if they cannot. */
export function overlapReason(wanted: OriginationScope, existing: OriginationScope): string | undefined {
  if (!wanted.certificateOwners || !existing.certificateOwners) return ' already';
  if (wanted.port !== existing.port) return ' already on another port, and a namespace has one route to a host';
  for (const one of wanted.certificateOwners) {
    for (const other of existing.certificateOwners) {
      if (canSelectSamePod(one.podLabels, other.podLabels)) {
        return (
          ` already for pods labelled ${labelText(other.podLabels)}, and one pod could carry those labels and ` +
          `${labelText(one.podLabels)} (Istio would use the older rule); ` +
          'give both callers a label of the same name with different values'
        );
      }
    }
  }
  return undefined;
}

function labelText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map((entry) => entry.join('='))
    .join(',');
}
