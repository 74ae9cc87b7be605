import { FieldRef, Remark } from '../answer/answer';
import { ClientTls } from '../proxies/client-tls';
import { Condition, SAY_CREDENTIALS } from '../answer/conditions';
import { fieldRef } from '../answer/field-ref';
import { Flow, Layer, outermost } from './flow';
import { Registry } from '../registry/registry';
import { installs, mayListSecrets } from '../registry/secret-readers';
import { Undetermined } from '../answer/undetermined';
import { credentialPlace } from '../../istio/credentials';
import { ExternalHost, TableConfigMap, TableSecret } from '../../access/access-table';

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

const SAY_HOST = 'describe the host in an access table (--table)';

const GOOD: ExternalHost = { host: '', http: 'ok', https: 'ok' };

/**
 * How the host receives what arrives. A host without a description speaks HTTP, TLS on every port but 80 and on those
 * declared as TLS, and TCP.
 */
export function receive(
  registry: Registry,
  described: ExternalHost | undefined,
  name: string,
  port: number,
  flow: Flow,
  isDeclaredTls = false,
): Reception {
  const host = described ?? { ...GOOD, host: name };
  const remarks: Remark[] = [];
  const conditions: Condition[] = [];
  const layer = outermost(flow);
  const about = `${name}:${port}`;
  const common = { decidedBy: [] as FieldRef[], plaintext: layer === undefined, remarks, conditions };
  const isTlsPort =
    port === 443 || (described === undefined && (isDeclaredTls || (layer !== undefined && port !== 80)));
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
    if (flow.http2 && described === undefined)
      throw new Undetermined(`it is unknown whether ${name}:${port} speaks HTTP/2 without TLS`);
    if (flow.http2)
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
    const certificate = clientCertificateOf(registry, layer);
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
  const shown = layer.by === 'application' ? undefined : clientCertificateOf(registry, layer);
  return {
    kind: 'answers',
    status: 200,
    about,
    reason: `${about} answers`,
    clientCertificate: shown !== undefined,
    ...common,
  };
}

export function settingsOf({ settings }: Layer, field?: keyof ClientTls['value']): FieldRef[] {
  return settings
    ? [fieldRef(settings.object, field === undefined ? settings.field : `${settings.field}.${field}`)]
    : [];
}

/** Why the proxy rejects the host's certificate, or cannot originate TLS at all. */
function certificateProblem(
  registry: Registry,
  described: ExternalHost | undefined,
  certificateName: string,
  layer: Layer,
  remarks: Remark[],
  conditions: Condition[],
): { reason: string; decidedBy: FieldRef[]; condition?: Condition } | undefined {
  const tls = layer.settings!.value;
  const kind = described?.certificate ?? 'good';
  if (tls.mode === 'ISTIO_MUTUAL') {
    return {
      reason: 'ISTIO_MUTUAL accepts only certificates of the mesh, and an external host has none',
      decidedBy: settingsOf(layer, 'mode'),
    };
  }
  const credential = credentialOf(registry, layer, conditions);
  if (typeof credential === 'string') return { reason: credential, decidedBy: settingsOf(layer, 'credentialName') };
  const unreadable = tls.mode === 'MUTUAL' && credential !== undefined && unreadableSecret(registry, layer, conditions);
  if (unreadable) return { reason: unreadable, decidedBy: settingsOf(layer, 'credentialName') };
  if (tls.mode === 'MUTUAL' && !tls.credentialName) {
    if (!tls.clientCertificate || !tls.privateKey) {
      return {
        reason: 'TLS mode MUTUAL needs a credentialName, or clientCertificate and privateKey',
        decidedBy: settingsOf(layer),
      };
    }
    requireOrStop(
      registry,
      described,
      conditions,
      `the proxy has the files ${tls.clientCertificate} and ${tls.privateKey}`,
      layer,
    );
  }
  if (tls.insecureSkipVerify) {
    remarks.push({
      code: 'unverified-certificate',
      message: 'insecureSkipVerify is set: neither the certificate nor its name is verified',
      decidedBy: settingsOf(layer, 'insecureSkipVerify'),
    });
    return undefined;
  }
  if (kind === 'expired') return { reason: "the host's certificate has expired", decidedBy: settingsOf(layer) };
  const ca: string | undefined = tls.caCertificates;
  if (credential !== undefined) {
    if (described && kind !== 'private-ca') {
      return {
        reason: "the host's certificate is not signed by an authority of the credential",
        decidedBy: settingsOf(layer, 'credentialName'),
      };
    }
  } else if (ca === undefined || ca === '' || ca === 'system') {
    if (kind === 'unknown-ca' || kind === 'private-ca') {
      return {
        reason: "the host's certificate is not signed by an authority that the system trusts",
        decidedBy: settingsOf(layer, ca === undefined ? undefined : 'caCertificates'),
      };
    }
  } else {
    requireOrStop(
      registry,
      described,
      conditions,
      `the proxy has the file ${ca}, and an authority in it signed the host's certificate`,
      layer,
      'caCertificates',
    );
  }
  const own: readonly string[] = tls.subjectAltNames ?? [];
  const names = own.length > 0 ? own : (layer.declared?.subjectAltNames ?? []);
  const isAutomatic = !tls.sni && own.length === 0 && layer.authority !== undefined;
  // A certificate that nothing describes is for its host, and may be for others too.
  const unlessFor = (others: string): { condition?: Condition } =>
    described
      ? {}
      : { condition: { holds: `the certificate of ${certificateName} does not name ${others} too`, say: SAY_HOST } };
  if (names.length > 0 && !names.some((name) => isNamed(certificateName, name))) {
    return {
      ...unlessFor(names.join(' or ')),
      reason: `the host's certificate is for ${certificateName}, not for ${names.join(' or ')}`,
      decidedBy:
        own.length > 0
          ? settingsOf(layer, 'subjectAltNames')
          : [fieldRef(layer.declared!.object, 'spec.subjectAltNames'), ...settingsOf(layer)],
    };
  }
  if (isAutomatic && !isNamed(certificateName, layer.authority!)) {
    return {
      ...unlessFor(layer.authority!),
      reason: `the host's certificate is for ${certificateName}, but the request is for ${layer.authority}`,
      decidedBy: settingsOf(layer),
    };
  }
  if (names.length === 0 && !isAutomatic) {
    const why = tls.sni
      ? 'sni is set and subjectAltNames is not'
      : 'neither sni nor subjectAltNames is set, and the proxy reads no HTTP request that would give the name';
    remarks.push({
      code: 'unverified-name',
      message: `any certificate of a trusted authority is accepted: ${why}, so the name is not verified`,
      decidedBy: settingsOf(layer, tls.sni ? 'sni' : undefined),
    });
  }
  return undefined;
}

/**
 * Manifests do not say which files a proxy has. Where the external host is not described either, the answer has a
 * condition; where it is, it stays undetermined.
 */
function requireOrStop(
  registry: Registry,
  described: ExternalHost | undefined,
  conditions: Condition[],
  holds: string,
  layer: Layer,
  field?: keyof ClientTls['value'],
): void {
  if (described) throw new Undetermined(`it is unknown whether ${holds}`, settingsOf(layer, field));
  requireCredential(registry, conditions, holds);
}

function requireCredential({ world }: Registry, conditions: Condition[], holds: string): void {
  if (!world.goodCredentials) conditions.push({ holds, say: SAY_CREDENTIALS });
}

/** Whether whoever receives the request must show a certificate of this very host. */
export function provesToBe(host: string, layer: Layer | undefined): boolean {
  if (!layer) return false;
  if (layer.by === 'application') return layer.serverName?.toLowerCase() === host;
  const { mode, insecureSkipVerify, sni, subjectAltNames = [] } = layer.settings!.value;
  if (mode === 'ISTIO_MUTUAL' || insecureSkipVerify) return false;
  const names = subjectAltNames.length > 0 ? subjectAltNames : (layer.declared?.subjectAltNames ?? []);
  if (names.length === 0) return !sni && layer.authority === host;
  return names.every((name) => name.toLowerCase() === host);
}

/** Whether a certificate's name covers a host. */
function isNamed(certificateName: string, host: string): boolean {
  const [name, wanted] = [certificateName.toLowerCase(), host.toLowerCase()];
  return name === wanted || (name.startsWith('*.') && wanted.slice(wanted.indexOf('.')) === name.slice(1));
}

/** Why istiod does not give the proxy the Secret with its key; certificates of authorities it gives to everybody. */
function unreadableSecret(registry: Registry, layer: Layer, conditions: Condition[]): string | undefined {
  const { namespace, serviceAccount, by } = layer;
  if (credentialPlace(layer.settings!.value.credentialName!, namespace!).kind === 'ConfigMap') return undefined;
  const account = `service account ${namespace}/${serviceAccount ?? '(unknown)'}`;
  const isInstalled = serviceAccount !== undefined && installs(registry, namespace!, serviceAccount);
  if (by === 'gateway' && !isInstalled) {
    // Istio's charts let gateways list the Secrets of their namespace, and so does the world of an access table.
    const isSaid = registry.world.knownGateways?.some((one) => one.namespace === namespace);
    if (registry.world.external === undefined && !isSaid)
      requireCredential(registry, conditions, `the gateway may list the Secrets of namespace ${namespace}`);
    return undefined;
  }
  const may = mayListSecrets(registry, namespace!, serviceAccount!);
  if (may) return undefined;
  if (may === undefined) {
    if (!registry.world.goodCredentials)
      conditions.push({
        holds: `${account} may list the Secrets of its namespace`,
        say: `add the Role and RoleBinding of ${account}`,
      });
    return undefined;
  }
  return `${account} may not list the Secrets of its namespace, so its proxy does not receive the credential`;
}

interface Credential {
  readonly holds?: string;
  readonly commonName?: string;
}

/** The Secret or ConfigMap that the settings name; why it cannot be used, as text; undefined if they name none. */
function credentialOf(registry: Registry, layer: Layer, conditions: Condition[]): Credential | string | undefined {
  const tls = layer.settings!.value;
  if (!tls.credentialName) return undefined;
  const { kind, namespace, name } = credentialPlace(tls.credentialName, layer.namespace!);
  const isConfigMap = kind === 'ConfigMap';
  const { world } = registry;
  const listed = isConfigMap ? world.configMaps : world.secrets;
  if (!isConfigMap && namespace !== layer.namespace)
    return `Secret ${namespace}/${name} is not in the namespace of the proxy, which therefore never receives it`;
  // Where only authorities are needed, Istio prefers the Secret with this suffix.
  const names = isConfigMap || tls.mode === 'MUTUAL' ? [name] : [`${name}-cacert`, name];
  const objects = registry.index.inGroup('', kind);
  const among = <T extends { readonly name: string; readonly namespace: string }>(all: readonly T[]): T | undefined =>
    names.flatMap((wanted) => all.filter((one) => one.name === wanted && one.namespace === namespace))[0];
  const written = among(objects);
  const known = among<TableSecret | TableConfigMap>(listed ?? []);
  if (!known && !written && listed) return `namespace ${layer.namespace} has no ${kind} ${name}`;
  if (!known) {
    requireCredential(
      registry,
      conditions,
      written
        ? `${kind} ${namespace}/${written.name} holds what the host requires`
        : `${kind} ${namespace}/${name} exists and holds what the host requires`,
    );
    return {};
  }
  if (tls.mode === 'MUTUAL' && known.holds === 'ca-certificates')
    return `Secret ${namespace}/${name} holds no client certificate`;
  return { holds: known.holds, commonName: 'commonName' in known ? known.commonName : undefined };
}

function clientCertificateOf(registry: Registry, layer: Layer): 'good' | 'wrong' | undefined {
  const tls = layer.settings?.value;
  if (tls?.mode !== 'MUTUAL') return undefined;
  const credential = credentialOf(registry, layer, []);
  const holds = typeof credential === 'object' ? credential.holds : undefined;
  return holds === 'wrong-client-certificate' || holds === 'expired-client-certificate' ? 'wrong' : 'good';
}

/** The common name in the client certificate that a proxy presents, where an access table gives it. */
export function clientCommonNameOf(registry: Registry, layer: Layer): string | undefined {
  const credential = layer.settings?.value.mode === 'MUTUAL' ? credentialOf(registry, layer, []) : undefined;
  return typeof credential === 'object' ? credential.commonName : undefined;
}
