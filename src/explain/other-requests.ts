/**
 * The requests that manifests make one think of: to each host, port and protocol that they declare and to a host that
 * they do not, by each method that they name, from each caller that they name and from others.
 */
import { isIPv6 } from 'net';
import { hostOf, inUrl, urlOf } from '../access/request-url';
import { isWildcard } from '../istio/hosts';
import { injectionTemplates } from '../istio/injection';
import { givenServiceAccount, podTemplateOf } from '../istio/pod-templates';
import { isHttp, isTls, upper } from '../istio/protocols';
import { isRange } from '../istio/ranges';
import { specOf } from '../manifests/specs';
import { Exported } from '../manifests/visibility';
import { EgressModel, EgressObject, ModelCaller, ModelRequest } from '../model';

/** A request, without who sends it. */
export type OtherRequest = Pick<ModelRequest, 'url' | 'method' | 'speak'>;

/** Stand for what no manifest names: another account, another namespace, another host. */
export const ANY_OTHER = 'any-other';
export const UNDECLARED_HOST = 'undeclared.invalid';

/** The callers: first the one that asks. */
export function callersIn(objects: readonly EgressObject[], caller: ModelCaller): ModelCaller[] {
  const all = [caller, ...callersNamedIn(objects), anyOtherOf(caller.namespace), anyOtherOf(ANY_OTHER), caller];
  return [...new Map(all.map((one) => [nameOf(one), one])).values()];
}

/** What is requested beside a request. */
export function requestsIn(model: EgressModel, { url, method: asked }: ModelRequest): OtherRequest[] {
  const methods = new Set(['GET', ...(asked === undefined ? [] : [asked]), ...methodsIn(model.objects)]);
  const isGrpc = grpcPortsIn(model.objects);
  return urlsIn(model, url).flatMap((one): OtherRequest[] =>
    one.startsWith('http:')
      ? [
          ...[...methods].map((method) => ({ url: one, ...(method !== 'GET' && { method }) })),
          ...(isGrpc.has(Number(urlOf(one).port || 80)) ? [{ url: one, speak: 'grpc' as const }] : []),
        ]
      : [{ url: one }],
  );
}

export function nameOf({ namespace, serviceAccount }: ModelCaller): string {
  return `${namespace}/${serviceAccount}`;
}

const anyOtherOf = (namespace: string): ModelCaller => ({
  namespace,
  serviceAccount: ANY_OTHER,
  labels: { app: ANY_OTHER },
});

/** The callers that servers, policies and pod templates name, and others of each namespace. */
function callersNamedIn(objects: readonly EgressObject[]): ModelCaller[] {
  const found = new Map<string, ModelCaller>();
  const add = (caller: ModelCaller) => found.set(nameOf(caller), caller);
  const collect = (value: unknown): void => {
    if (typeof value === 'string') {
      const [, namespace, serviceAccount] = /(?:^|\/)ns\/([a-z0-9-]+)\/sa\/([a-z0-9.-]+)$/.exec(value) ?? [];
      if (namespace) add({ namespace, serviceAccount });
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  const namespaces = new Set<string>();
  for (const { manifest } of objects) {
    const { namespace: own = 'default' } = manifest.metadata;
    if (/^(networking|security)\.istio\.io\//.test(manifest.apiVersion))
      for (const namespace of [own, ...((manifest.spec as Exported | undefined)?.exportTo ?? [])])
        if (/^[a-z0-9-]+$/.test(namespace)) namespaces.add(namespace);
    const template = podTemplateOf(manifest);
    const serviceAccount = givenServiceAccount(template);
    if (serviceAccount && !injectionTemplates(template?.metadata?.annotations).includes('gateway'))
      add({ namespace: own, serviceAccount });
    collect(specOf(manifest, 'Gateway') ?? specOf(manifest, 'AuthorizationPolicy'));
    for (const { from } of specOf(manifest, 'AuthorizationPolicy')?.rules ?? [])
      for (const { source } of from ?? [])
        for (const namespace of source?.namespaces ?? []) if (!namespace.includes('*')) add(anyOtherOf(namespace));
  }
  for (const namespace of namespaces) add(anyOtherOf(namespace));
  return [...found.values()];
}

/** The methods that policies and routes name. */
function methodsIn(objects: readonly EgressObject[]): string[] {
  return objects
    .flatMap(({ manifest }) => [
      ...(specOf(manifest, 'AuthorizationPolicy')?.rules ?? [])
        .flatMap(({ to }) => to ?? [])
        .flatMap(({ operation }) => [...(operation?.methods ?? []), ...(operation?.notMethods ?? [])]),
      ...(specOf(manifest, 'VirtualService')?.http ?? [])
        .flatMap(({ match }) => match ?? [])
        .flatMap(({ method }) => method?.exact ?? []),
    ])
    .filter((method) => /^[A-Z]+$/.test(method) && method !== 'CONNECT');
}

/** The ports that entries declare for gRPC. */
function grpcPortsIn(objects: readonly EgressObject[]): ReadonlySet<number> {
  const ports = objects.flatMap(({ manifest }) => specOf(manifest, 'ServiceEntry')?.ports ?? []);
  return new Set(ports.flatMap(({ number, protocol }) => (upper(protocol) === 'GRPC' ? [number!] : [])));
}

type Scheme = 'http' | 'https' | 'tcp';
/** The ports on which a host is asked that routes name and no entry declares. */
const USUAL_PORTS = [80, 443];

/**
 * What the manifests name: the hosts and addresses of entries on their ports, a name below each wildcard, the hosts of
 * routes, those that the world describes, and one that nothing declares, on all these ports and the one that was asked.
 */
function urlsIn({ objects, world }: EgressModel, asked: string): string[] {
  const hostname = hostOf(urlOf(asked));
  const urls = new Set([asked]);
  const hosts = new Set<string>();
  const ports = new Map<string, readonly [number, string]>();
  const add = (host: string, port: number, protocol?: string): void => {
    if (typeof host !== 'string' || host.endsWith('.internal')) return;
    const name = isWildcard(host) ? `${ANY_OTHER}${host.slice(1)}` : host.includes('/') ? addressIn(host) : host;
    hosts.add(name);
    // What is declared comes first; plain HTTP and TLS may be sent to any port.
    const own = isHttp(protocol) ? 'http' : isTls(protocol) ? 'https' : 'tcp';
    for (const scheme of new Set([own, 'http', 'https'] as const)) urls.add(urlFor(name, port, scheme));
    ports.set(`${port} ${own}`, [port, own]);
  };
  for (const { manifest } of objects) {
    const entry = specOf(manifest, 'ServiceEntry');
    for (const { number, protocol } of entry?.ports ?? [])
      for (const host of [...(entry?.hosts ?? []), ...(entry?.addresses ?? [])]) add(host, number!, protocol);
    for (const host of specOf(manifest, 'VirtualService')?.hosts ?? [])
      if (host.includes('.') && !/\.svc\./.test(host))
        for (const port of USUAL_PORTS) add(host, port, port === 80 ? 'HTTP' : 'TLS');
  }
  const described = (world.external ?? []).filter(({ host }) => host !== UNDECLARED_HOST);
  for (const { host, address } of described) {
    hosts.add(host);
    if (host === hostname && address !== undefined) hosts.add(address);
  }
  for (const host of hosts) urls.add(asked.replace(inUrl(hostname), inUrl(host)));
  for (const host of [...described.map((one) => one.host), UNDECLARED_HOST])
    for (const [port, scheme] of ports.values()) urls.add(urlFor(host, port, scheme as Scheme));
  return [...urls, asked.replace(inUrl(hostname), UNDECLARED_HOST)];
}

/** An address in a range. */
function addressIn(range: string): string {
  const [base] = range.split('/');
  if (!isRange(range)) return base;
  return isIPv6(base)
    ? base.replace(/[^:]*$/, (last) => (parseInt(last || '0', 16) + 1).toString(16))
    : base.replace(/\d+$/, (last) => String(Number(last) + 1));
}

function urlFor(host: string, port: number, scheme: Scheme): string {
  const usual = { http: 80, https: 443, tcp: undefined }[scheme];
  return `${scheme}://${inUrl(host)}${port === usual ? '' : `:${port}`}${scheme === 'tcp' ? '' : '/'}`;
}
