import { PortSettings } from './_settings';
import { EgressPort } from '../values/egress-port';
import { Problems } from '../values/problems';

/** For whom TLS is originated, and where it goes: what must not meet when there are several for one host. */
export interface OriginationScope {
  /** The port of the external host that speaks TLS, where another than the way's default was asked for. */
  readonly port?: number;
  /** Whose sidecars show the client certificate; not given where a gateway does. */
  readonly certificateOwners?: CertificateOwner[];
}

/**
 * What a TLS origination asks for one host, as plain data: two declarations agree when this is equal.
 */
export interface OriginationSettings extends OriginationScope {
  readonly sni: string;
  readonly subjectAltNames: string[];
  /** A file, or `system`. */
  readonly caPath?: string;
  readonly caConfigMap?: string;
  readonly clientSecret?: string;
  readonly clientCertificatePath?: string;
  readonly clientKeyPath?: string;
}

/** Pods whose sidecars hold a client certificate. */
export interface CertificateOwner {
  readonly serviceAccountName: string;
  readonly podLabels: Record<string, string>;
}

/**
 * The TLS block of a DestinationRule.
 *
 * The name is always given twice: Istio stops verifying the name of the certificate when `sni` is set and
 * `subjectAltNames` is not. `caCertificates: system` is written out although it is the default,
 * because older analyzers take a missing field for a missing check.
 *
 * @param namespace where the rule lives: that is where Istio looks for the ConfigMap
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

/** Refuses an origination for ports that have none, or that leads to a port which speaks something else. */
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
  const other = ports.find((candidate) => candidate.number === (port ?? defaultTlsPort(ports)) && candidate.http);
  if (other)
    problems.add(
      `port: ${other.number} is declared as ${other.protocol} by [${egress}], so the host does not speak TLS ` +
        'there; write the port on which it does, such as 443',
    );
}

/** The port that speaks TLS outside: the application's own TLS port if just one is declared, else 443. */
export function defaultTlsPort(ports: { number: number; protocol: string }[]): number {
  const tls = ports.filter((port) => port.protocol === EgressPort.tls().protocol);
  return tls.length === 1 ? tls[0].number : 443;
}
