import { PortSettings } from './_settings';
import { EgressPort } from '../values/egress-port';
import { Problems } from '../values/problems';

/** Which workloads TLS is originated for, and to which port: several originations for one host must not overlap. */
export interface OriginationScope {
  /** The port of the external host that speaks TLS, if it is not the default of the egress path. */
  readonly port?: number;
  /** The workloads whose sidecars present the client certificate; undefined if a gateway does. */
  readonly certificateOwners?: CertificateOwner[];
}

/**
 * What a TLS origination declares for one host, as plain data: two declarations agree if these are equal.
 */
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

/**
 * The TLS block of a DestinationRule.
 *
 * The name is always given twice: Istio stops verifying the name in the certificate if `sni` is set and
 * `subjectAltNames` is not. `caCertificates: system` is written out although it is the default, because older analyzers
 * report a missing field as a missing check.
 *
 * @param namespace the namespace of the rule, in which Istio looks for the ConfigMap
 */
export function tlsBlock(settings: OriginationSettings, namespace: string): any {
  const names = { sni: settings.sni, subjectAltNames: settings.subjectAltNames };
  if (settings.clientSecret !== undefined) return { mode: 'MUTUAL', credentialName: settings.clientSecret, ...names };
  const authority =
    settings.caConfigMap !== undefined
      ? { credentialName: `configmap://${namespace}/${settings.caConfigMap}` }
      : { caCertificates: settings.caPath };
  if (settings.clientCertificatePath !== undefined) {
    return {
      mode: 'MUTUAL',
      clientCertificate: settings.clientCertificatePath,
      privateKey: settings.clientKeyPath,
      ...authority,
      ...names,
    };
  }
  return { mode: 'SIMPLE', ...authority, ...names };
}

/** Refuses an origination if no port speaks plain HTTP, or if its target port is declared as plain HTTP. */
export function checkOriginationPorts(
  egress: string,
  ports: PortSettings[],
  port: number | undefined,
  problems: Problems,
): void {
  if (!ports.some(({ http }) => http)) {
    problems.add(
      `egress: [${egress}] declares no port that speaks plain HTTP ` +
        `(${ports.map(({ name }) => name).join(', ')}), so there is nothing to send out as TLS; ` +
        'add EgressPort.http() to its `ports`, or leave this TlsOrigination out',
    );
  }
  const plain = ports.find((candidate) => candidate.number === (port ?? defaultTlsPort(ports)) && candidate.http);
  if (plain)
    problems.add(
      `port: ${plain.number} is declared as ${plain.protocol} by [${egress}], so the host does not speak TLS ` +
        'there; write the port on which it does, such as 443',
    );
}

/** The port on which the external host speaks TLS: the declared TLS port if there is exactly one, otherwise 443. */
export function defaultTlsPort(ports: { number: number; protocol: string }[]): number {
  const tls = ports.filter((port) => port.protocol === EgressPort.tls().protocol);
  return tls.length === 1 ? tls[0].number : 443;
}
