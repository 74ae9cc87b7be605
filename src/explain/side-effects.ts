import { namesOf } from './manifest';
import { isTcpRequest, urlOf } from '../access/request-url';
import { isWildcard } from '../istio/hosts';
import { isHttp, isTls } from '../istio/protocols';
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

/**
 * What a change does to other requests: to each host, port and protocol that the manifests declare, from each caller
 * that they name.
 */
export class OtherRequests {
  private readonly all: readonly { readonly caller: ModelCaller; readonly url: string }[];
  private known?: readonly Answer[];

  constructor(
    private readonly model: () => EgressModel,
    objects: readonly EgressObject[],
    private readonly caller: ModelCaller,
    private readonly request: ModelRequest,
  ) {
    this.all = firstOf(MOST_REQUESTS, othersIn(objects, caller, request));
  }

  /** The requests that the changed model answers differently. */
  public changedBy(changed: EgressModel): SideEffect[] {
    if (this.known === undefined) {
      const model = this.model();
      this.known = this.all.map(({ caller, url }) => model.ask(caller, { url }));
    }
    return this.all.flatMap(({ caller, url }, index) => {
      const before = this.known![index];
      const after = changed.ask(caller, { url });
      return isSame(before, after) ? [] : [{ caller, url, before, after }];
    });
  }

  /** Whether it opens or breaks something that nobody has asked for. */
  public isUnasked({ caller, url, before, after }: SideEffect): boolean {
    if (before.outcome === 'answered' && (after.outcome !== 'answered' || isWorsePath(before, after))) return true;
    const isOwn = caller === this.caller && urlOf(url).hostname === urlOf(this.request.url).hostname;
    return after.outcome === 'answered' && before.outcome !== 'answered' && !isOwn;
  }
}

/** Hosts and callers may be thousands, and each caller asks for each host: only those that are needed are made. */
function* othersIn(
  objects: readonly EgressObject[],
  caller: ModelCaller,
  request: ModelRequest,
): Generator<{ readonly caller: ModelCaller; readonly url: string }> {
  const callers = [caller, ...callersNamedIn(objects, caller)];
  const asked = placeOf(request.url);
  for (const url of urlsDeclaredIn(objects))
    for (const one of callers) if (one !== caller || placeOf(url) !== asked) yield { caller: one, url };
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

function isSame(a: Answer, b: Answer): boolean {
  const facts = ({ outcome, via, gateway, tlsOriginatedBy, plaintextToHost, insteadOf, symptom }: Answer) =>
    [outcome, via, gateway, tlsOriginatedBy, plaintextToHost, insteadOf, symptom].join();
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

/** The callers whose identities are in servers and policies. */
function callersNamedIn(objects: readonly EgressObject[], { namespace, serviceAccount }: ModelCaller): ModelCaller[] {
  const found = new Map<string, ModelCaller>();
  const collect = (value: unknown): void => {
    if (typeof value === 'string') {
      const [, own, account] = /\/ns\/([a-z0-9-]+)\/sa\/([a-z0-9.-]+)$/.exec(value) ?? [];
      if (own && !(own === namespace && account === serviceAccount))
        found.set(`${own}/${account}`, { namespace: own, serviceAccount: account });
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  for (const { manifest } of objects)
    if (manifest?.kind === 'Gateway' || manifest?.kind === 'AuthorizationPolicy') collect(manifest.spec);
  return [...found.values()];
}

function urlsDeclaredIn(objects: readonly EgressObject[]): string[] {
  const urls = objects
    .filter(({ manifest }) => manifest?.kind === 'ServiceEntry' && /\.istio\.io\//.test(manifest.apiVersion))
    .flatMap(({ manifest }) =>
      namesOf(manifest)
        .filter((host) => typeof host === 'string' && !isWildcard(host) && !host.endsWith('.internal'))
        .flatMap((host) =>
          ((manifest.spec?.ports ?? []) as any[]).map(({ number, protocol }) =>
            isHttp(protocol)
              ? `http://${host}${number === 80 ? '' : `:${number}`}/`
              : isTls(protocol)
                ? `https://${host}${number === 443 ? '' : `:${number}`}/`
                : `tcp://${host}:${number}`,
          ),
        ),
    );
  return [...new Set(urls)];
}
