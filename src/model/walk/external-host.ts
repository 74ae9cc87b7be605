import { ExternalHost } from '../../access/access-table';
import { FieldRef, Remark } from '../answer/answer';
import { Condition, SAY_PROTOCOLS } from '../answer/conditions';
import { Undetermined } from '../answer/undetermined';
import { Registry } from '../registry/registry';
import { clientCertificateOf } from './credentials';
import { Flow, otherHttp, outermost, settingsOf } from './flow';
import { isHttp2, isTls } from '../../istio/protocols';
import { certificateProblem, isNamed } from './host-certificate';

/** How an external host receives a connection. */
export interface Reception {
  readonly kind:
    /** The host answers. */
    | 'answers'
    /** Nothing listens on the port. */
    | 'not-listening'
    /** The TLS handshake between a proxy and the host fails, on either side. */
    | 'handshake'
    /** The application rejects the host's certificate. */
    | 'distrusted'
    /** The host does not understand what it receives: plaintext on a TLS port, TLS on a plaintext port, TLS in TLS. */
    | 'misunderstood'
    /** The host requires a client certificate and does not receive an acceptable one. */
    | 'unauthenticated';
  readonly status?: number;
  readonly reason: string;
  /** The `host:port` with which the reason begins. */
  readonly about?: string;
  readonly decidedBy: readonly FieldRef[];
  readonly plaintext: boolean;
  /** Whether the host answers with something other than HTTP. */
  readonly isNoHttp?: boolean;
  readonly clientCertificate?: boolean;
  readonly remarks: readonly Remark[];
  /** What must be so of the credentials and files of a proxy, where nothing describes them. */
  readonly conditions: readonly Condition[];
  /** What must be so for the host not to answer. */
  readonly condition?: Condition;
}

const GOOD: ExternalHost = { host: '', http: 'ok', https: 'ok' };

/**
 * How the host receives what arrives. A host without a description speaks HTTP, TLS on every port but 80 and on those
 * declared as TLS, and TCP.
 *
 * @param declared the protocols with which the port of a host without a description is declared
 */
export function receive(
  registry: Registry,
  described: ExternalHost | undefined,
  name: string,
  port: number,
  flow: Flow,
  declared: readonly unknown[],
): Reception {
  const host = described ?? { ...GOOD, host: name };
  const remarks: Remark[] = [];
  const conditions: Condition[] = [];
  const layer = outermost(flow);
  const about = `${name}:${port}`;
  const common = { decidedBy: [] as FieldRef[], plaintext: layer === undefined, remarks, conditions };
  const isTlsPort =
    port === 443 || (described === undefined && (declared.some(isTls) || (layer !== undefined && port !== 80)));
  const isTcp =
    host.tcp?.includes(port) || (described === undefined && flow.payload === 'bytes' && layer === undefined);
  if (isTcp) {
    // A proxy that has read the request cannot read what such a host says.
    if (layer === undefined && flow.payload === 'http' && described !== undefined)
      return {
        ...common,
        kind: 'misunderstood',
        isNoHttp: true,
        status: 502,
        about,
        reason: `${about} does not speak HTTP`,
      };
    if (layer === undefined) return { kind: 'answers', about, reason: `${about} answers`, ...common };
    return {
      ...common,
      plaintext: false,
      kind: layer.by === 'application' ? 'misunderstood' : 'handshake',
      about,
      reason: `${about} does not speak TLS`,
      decidedBy: settingsOf(layer),
    };
  }
  const listens = isTlsPort
    ? (host.https ?? 'none') !== 'none'
    : (described === undefined || port === 80) && (host.http ?? 'none') !== 'none';
  if (!listens) {
    const field = port === 80 ? 'http' : port === 443 ? 'https' : `tcp port ${port}`;
    const why = described ? `: the access table's \`external\` entry for ${host.host} declares no ${field}` : '';
    return { ...common, plaintext: false, kind: 'not-listening', reason: `nothing listens on ${name}:${port}${why}` };
  }
  if (!isTlsPort) {
    if (layer !== undefined) {
      return {
        ...common,
        kind: layer.by === 'application' ? 'misunderstood' : 'handshake',
        about,
        reason: `${about} expects plaintext HTTP and receives TLS`,
        decidedBy: settingsOf(layer),
      };
    }
    if (flow.payload !== 'http')
      return { ...common, kind: 'misunderstood', about, reason: `${about} expects HTTP and receives something else` };
    if (flow.http2 && described === undefined) {
      const isSaid = declared.some(isHttp2);
      if (!isSaid || !registry.world.declaredProtocols)
        conditions.push({
          holds: `${about} speaks HTTP/2 without TLS`,
          say: isSaid ? SAY_PROTOCOLS : `declare the port as HTTP2 or GRPC, and ${SAY_PROTOCOLS}`,
        });
    }
    if (flow.http2 && described !== undefined)
      return { ...common, plaintext: false, kind: 'not-listening', reason: `${about} speaks no HTTP/2 without TLS` };
    return {
      kind: 'answers',
      status: host.http === 'redirect-to-https' ? 301 : 200,
      about,
      reason: `${about} answers`,
      ...common,
    };
  }
  if (layer === undefined) {
    return {
      ...common,
      kind: 'misunderstood',
      status: 400,
      about,
      reason: `${about} expects TLS and receives plaintext`,
    };
  }
  const certificate = layer.by === 'application' ? undefined : clientCertificateOf(registry, layer);
  const certificateName = host.certificate === 'wrong-name' ? `not.${host.host}` : host.host;
  if (layer.by === 'application') {
    const isTrusted =
      host.certificate === undefined || host.certificate === 'good' || host.certificate === 'private-ca';
    // Without a server name, a host that the world does not describe is taken to present what the application expects.
    const isRightName =
      layer.serverName === undefined ? described === undefined : isNamed(certificateName, layer.serverName);
    if (!isTrusted || !isRightName) {
      return {
        ...common,
        kind: 'distrusted',
        reason:
          `the application rejects the certificate of ${name}` +
          `${isRightName ? '' : `, which is for ${certificateName}`}`,
      };
    }
    if (host.https === 'client-certificate') {
      return {
        ...common,
        kind: 'unauthenticated',
        reason: `${name} requires a client certificate and the application presents none`,
      };
    }
  } else {
    const refusal = certificateProblem(registry, described, certificateName, layer, remarks, conditions);
    if (refusal) return { ...common, kind: 'handshake', ...refusal };
    if (host.https === 'client-certificate' && certificate !== 'good') {
      return {
        ...common,
        kind: 'unauthenticated',
        reason:
          `${name} requires a client certificate and receives ` +
          `${certificate === 'wrong' ? 'one that it does not accept' : 'none'}`,
        decidedBy: settingsOf(layer),
        clientCertificate: false,
      };
    }
  }
  if (flow.layers.length > 1) {
    return {
      ...common,
      kind: 'misunderstood',
      reason: "the host receives TLS inside TLS: the application's own TLS was wrapped in a second layer",
      decidedBy: settingsOf(layer),
    };
  }
  if (flow.payload !== 'http')
    return { ...common, kind: 'misunderstood', about, reason: `${about} expects HTTP and receives something else` };
  const reason = otherHttp(flow, layer);
  if (reason !== undefined) {
    if (described === undefined) throw new Undetermined(`${reason}: it is unknown whether ${about} takes that`);
    return { ...common, kind: 'misunderstood', reason, decidedBy: settingsOf(layer) };
  }
  return {
    kind: 'answers',
    status: 200,
    about,
    reason: `${about} answers`,
    clientCertificate: certificate !== undefined,
    ...common,
  };
}
