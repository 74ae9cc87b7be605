import { inBrief } from './headline';
import { namesOf, namespaceOf } from './manifest';
import { isTcpRequest, urlOf } from '../access/request-url';
import { covers, isWildcard } from '../istio/hosts';
import { isHttp, isTls } from '../istio/protocols';
import { podTemplateOf } from '../istio/pod-templates';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest } from '../model';

/** Another request whose answer a change alters. */
export interface SideEffect {
  readonly caller: ModelCaller;
  readonly url: string;
  readonly before: Answer;
  readonly after: Answer;
}

/** The limit on other requests that are asked about before a change is proposed. */
const MOST_REQUESTS = 200;

/** Stand for what no manifest names: another account, another namespace, another host. */
const ANY_OTHER = 'any-other';
export const UNDECLARED_HOST = 'undeclared.invalid';

interface Other {
  readonly caller: ModelCaller;
  readonly url: string;
}

/**
 * What a change does to other requests: to each host, port and protocol that the manifests declare and to a host that
 * they do not, from each caller that they name and from others.
 */
export class OtherRequests {
  /** The host that was asked for, and those of entries with that address. */
  private readonly asked: ReadonlySet<string>;
  private readonly place: string;
  private readonly callers: readonly ModelCaller[];
  private readonly urls: readonly string[];
  private readonly known = new Map<string, Answer>();

  constructor(
    private readonly model: EgressModel,
    private readonly caller: ModelCaller,
    { url }: ModelRequest,
  ) {
    const { hostname } = urlOf(url);
    this.asked = new Set([
      hostname,
      ...model.objects
        .filter(({ manifest }) => manifest.kind === 'ServiceEntry' && manifest.spec?.addresses?.includes(hostname))
        .flatMap(({ manifest }) => namesOf(manifest)),
    ]);
    this.place = placeOf(url);
    const { namespace } = caller;
    const others = [...callersNamedIn(model.objects), anyOtherOf(namespace), anyOtherOf(ANY_OTHER)];
    this.callers = [caller, ...others.filter((one) => nameOf(one) !== nameOf(caller))];
    this.urls = urlsIn(model.objects, url);
  }

  /** How many other requests there are, of which no more than the limit are asked. */
  public get unasked(): number {
    return Math.max(0, this.urls.length * this.callers.length - MOST_REQUESTS - 1);
  }

  /** The requests that the changed model answers differently. */
  public changedBy(changed: EgressModel, edited: readonly EgressObject[]): SideEffect[] {
    const effects: SideEffect[] = [];
    for (const { caller, url } of firstOf(MOST_REQUESTS, this.nearest(edited))) {
      const key = `${nameOf(caller)} ${url}`;
      const before = this.known.get(key) ?? this.model.ask(caller, { url });
      this.known.set(key, before);
      const after = changed.ask(caller, { url });
      if (!isSame(before, after)) effects.push({ caller, url, before, after });
    }
    return effects;
  }

  /**
   * Whether it opens or breaks something that nobody has asked for.
   *
   * @param isGuard whether the change is to something that tells callers apart
   */
  public isUnasked({ caller, url, before, after }: SideEffect, isGuard: boolean): boolean {
    if (before.outcome === 'answered' && (after.outcome !== 'answered' || isWorsePath(before, after))) return true;
    if (before.outcome === 'answered' || after.outcome === 'refused') return false;
    if (!this.asked.has(urlOf(url).hostname)) return true;
    // What declares or routes a host does so for all who see the object, and no guard is changed by it.
    return caller !== this.caller && isGuard;
  }

  /** Hosts and callers may be thousands, and each caller asks for each host: the nearest come first. */
  private *nearest(edited: readonly EgressObject[]): Generator<Other> {
    const names = edited.flatMap(({ manifest }) => namesOf(manifest));
    const isNear = (url: string) => {
      const { hostname } = urlOf(url);
      return this.asked.has(hostname) || names.some((name) => typeof name === 'string' && covers(name, hostname));
    };
    const near = this.urls.filter(isNear);
    const far = this.urls.filter((url) => !isNear(url));
    const [own, ...others] = this.callers;
    for (const url of near)
      for (const caller of this.callers) if (caller !== own || placeOf(url) !== this.place) yield { caller, url };
    for (const url of far) yield { caller: own, url };
    for (const url of far) for (const caller of others) yield { caller, url };
  }
}

/** The effects in words, those that are alike in one line. */
export function effectLines(effects: readonly SideEffect[], url: string, then: Answer): string[] {
  const alike = new Map<string, string[]>();
  for (const effect of effects) {
    const isAsThis = effect.url === url && inBrief(effect.after) === inBrief(then);
    const what = `${effect.url.replace(UNDECLARED_HOST, '<any undeclared host>')}: ${inBrief(effect.after)}`;
    const key = isAsThis ? '' : what;
    alike.set(key, [...(alike.get(key) ?? []), callerText(effect.caller)]);
  }
  return [...alike].map(([what, callers]) =>
    what === '' ? `the same for ${callers.join(', ')}` : `also changes ${callers.join(', ')} ${what}`,
  );
}

function callerText({ namespace, serviceAccount }: ModelCaller): string {
  if (namespace === ANY_OTHER) return 'any other namespace';
  return serviceAccount === ANY_OTHER ? `any other account of ${namespace}` : `${namespace}/${serviceAccount}`;
}

function firstOf<T>(most: number, all: Iterable<T>): T[] {
  const first: T[] = [];
  for (const one of all) {
    if (first.length === most) break;
    first.push(one);
  }
  return first;
}

function placeOf(url: string): string {
  const { protocol, hostname, port } = urlOf(url);
  return `${isTcpRequest(url) ? 'tcp' : protocol} ${hostname} ${port}`;
}

function nameOf({ namespace, serviceAccount }: ModelCaller): string {
  return `${namespace}/${serviceAccount}`;
}

function isSame(a: Answer, b: Answer): boolean {
  const facts = ({ outcome, via, gateway, tlsOriginatedBy, plaintextToHost, insteadOf }: Answer) =>
    [outcome, plaintextToHost, ...(outcome === 'answered' ? [via, gateway, tlsOriginatedBy, insteadOf] : [])].join();
  return facts(a) === facts(b);
}

/** Round the gateway, in plaintext, or to another host. */
function isWorsePath(before: Answer, after: Answer): boolean {
  return (
    (before.via === 'gateway' && after.via !== 'gateway') ||
    (!before.plaintextToHost && after.plaintextToHost) ||
    (before.insteadOf === undefined && after.insteadOf !== undefined)
  );
}

const anyOtherOf = (namespace: string): ModelCaller => ({
  namespace,
  serviceAccount: ANY_OTHER,
  labels: { app: ANY_OTHER },
});

/** The callers whose identities are in servers and policies, and the workloads among the manifests. */
function callersNamedIn(objects: readonly EgressObject[]): ModelCaller[] {
  const found = new Map<string, ModelCaller>();
  const add = (caller: ModelCaller) => found.set(nameOf(caller), caller);
  const collect = (value: unknown): void => {
    if (typeof value === 'string') {
      const [, namespace, serviceAccount] = /(?:^|\/)ns\/([a-z0-9-]+)\/sa\/([a-z0-9.-]+)$/.exec(value) ?? [];
      if (namespace) add({ namespace, serviceAccount });
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  for (const { manifest } of objects) {
    const template = podTemplateOf(manifest);
    const { serviceAccountName } = template?.spec ?? {};
    if (serviceAccountName && template.metadata?.annotations?.['inject.istio.io/templates'] === undefined)
      add({ namespace: namespaceOf(manifest), serviceAccount: serviceAccountName });
    if (manifest?.kind === 'Gateway' || manifest?.kind === 'AuthorizationPolicy') collect(manifest.spec);
    if (manifest?.kind === 'AuthorizationPolicy')
      for (const { from = [] } of manifest.spec?.rules ?? [])
        for (const { source } of from ?? [])
          for (const namespace of source?.namespaces ?? []) if (!namespace.includes('*')) add(anyOtherOf(namespace));
  }
  return [...found.values()];
}

/** What the entries declare, a name below each wildcard, and a host that no entry declares on the same ports. */
function urlsIn(objects: readonly EgressObject[], asked: string): string[] {
  const entries = objects
    .map(({ manifest }) => manifest)
    .filter((manifest) => manifest?.kind === 'ServiceEntry' && /\.istio\.io\//.test(manifest.apiVersion));
  const ports = new Map<string, any>();
  const urls = entries.flatMap((manifest) =>
    namesOf(manifest)
      .filter((host) => typeof host === 'string' && !host.endsWith('.internal'))
      .flatMap((host) =>
        ((manifest.spec?.ports ?? []) as any[]).map((port) => {
          ports.set(`${port.number} ${port.protocol}`, port);
          return urlFor(isWildcard(host) ? `${ANY_OTHER}${host.slice(1)}` : host, port);
        }),
      ),
  );
  const undeclared = [...ports.values()].map((port) => urlFor(UNDECLARED_HOST, port));
  return [...new Set([asked, ...urls, asked.replace(urlOf(asked).hostname, UNDECLARED_HOST), ...undeclared])];
}

function urlFor(host: string, { number, protocol }: { number: number; protocol: string }): string {
  if (isHttp(protocol)) return `http://${host}${number === 80 ? '' : `:${number}`}/`;
  return isTls(protocol) ? `https://${host}${number === 443 ? '' : `:${number}`}/` : `tcp://${host}:${number}`;
}
