import { inBrief } from './headline';
import { addressOf, namesOf } from './lookups';
import { ANY_OTHER, callersIn, nameOf, OtherRequest, requestsIn, UNDECLARED_HOST } from './other-requests';
import { hostOf, isTcpRequest, urlOf } from '../access/request-url';
import { covers } from '../istio/hosts';
import { joinWords } from '../manifests/indexed';
import { IstioSpecs, specOf } from '../manifests/specs';
import { groupBy, valueIn } from '../values/grouping';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest } from '../model';

/** A request of a caller. */
interface CallerRequest extends OtherRequest {
  readonly caller: ModelCaller;
}

/** Another request whose answer a change alters. */
export interface SideEffect extends CallerRequest {
  readonly before: Answer;
  readonly after: Answer;
}

/** The limit on other requests that are asked about before a change is proposed. */
const MOST_REQUESTS = 200;

/** What a change does to other requests. */
export class OtherRequests {
  /** The host that was asked for, and those of entries with that address. */
  private readonly asked: ReadonlySet<string>;
  private readonly target: string;
  private readonly callers: readonly ModelCaller[];
  private readonly requests: readonly OtherRequest[];
  private readonly known = new Map<string, Answer>();

  constructor(
    private readonly model: EgressModel,
    private readonly caller: ModelCaller,
    request: ModelRequest,
  ) {
    const { url } = request;
    const hostname = hostOf(urlOf(url));
    const known = addressOf(hostname, model.world);
    this.asked = new Set([
      hostname,
      ...(known === undefined ? [] : [known]),
      ...model.objects
        .flatMap(({ manifest }) => specOf(manifest, 'ServiceEntry') ?? [])
        .filter((spec) => isAbout(spec, hostname))
        .flatMap((spec) => [...(spec.hosts ?? []), ...(spec.addresses ?? [])]),
    ]);
    this.target = kindOf(request);
    this.callers = callersIn(model.objects, caller);
    this.requests = requestsIn(model, request);
  }

  /** How many other requests there are, of which no more than the limit are asked. */
  public get unasked(): number {
    return Math.max(0, this.requests.length * this.callers.length - MOST_REQUESTS - 1);
  }

  /** The requests that the changed model answers differently; other methods only where they differ from GET. */
  public changedBy(changed: EgressModel, edited: readonly EgressObject[]): SideEffect[] {
    const pair = ({ caller, ...request }: CallerRequest) => {
      const key = `${nameOf(caller)} ${requestText(request)}`;
      const before = valueIn(this.known, key, () => this.model.ask(caller, request));
      return { before, after: changed.ask(caller, request) };
    };
    return firstOf(MOST_REQUESTS, this.nearest(edited)).flatMap((request): SideEffect[] => {
      const { before, after } = pair(request);
      if (isSame(before, after)) return [];
      if (request.method !== undefined) {
        const usual = pair({ caller: request.caller, url: request.url });
        if (isSame(before, usual.before) && isSame(after, usual.after)) return [];
      }
      return [{ ...request, before, after }];
    });
  }

  /**
   * Whether it opens or breaks something that nobody has asked for.
   *
   * @param isGuard whether the change is to something that tells callers apart
   */
  public isUnasked({ caller, url, before, after }: SideEffect, isGuard: boolean): boolean {
    if (before.outcome === 'answered' && (after.outcome !== 'answered' || isWorsePath(before, after))) return true;
    if (before.outcome === 'answered' || after.outcome === 'refused') return false;
    if (!this.asked.has(hostOf(urlOf(url)))) return true;
    // What declares or routes a host does so for all who see the object, and no guard is changed by it.
    return caller !== this.caller && isGuard;
  }

  /** Hosts and callers may be thousands, and each caller asks for each host: the nearest come first. */
  private *nearest(edited: readonly EgressObject[]): Generator<CallerRequest> {
    const names = edited.flatMap(({ manifest }) => namesOf(manifest));
    const isNear = ({ url }: { readonly url: string }) => {
      const hostname = hostOf(urlOf(url));
      return this.asked.has(hostname) || names.some((name) => typeof name === 'string' && covers(name, hostname));
    };
    const near = this.requests.filter(isNear);
    const far = this.requests.filter((request) => !isNear(request));
    const [own, ...others] = this.callers;
    for (const request of near)
      for (const caller of this.callers)
        if (caller !== own || kindOf(request) !== this.target) yield { caller, ...request };
    for (const request of far) yield { caller: own, ...request };
    for (const request of far) for (const caller of others) yield { caller, ...request };
  }
}

/** The effects in words, those that are alike in one line. */
export function effectLines(effects: readonly SideEffect[], url: string, then: Answer): string[] {
  const alike = groupBy(effects, (effect) => {
    const request = requestText(effect);
    const after = inBrief(effect.after);
    return request === url && after === inBrief(then) ? '' : JSON.stringify([request, after]);
  });
  return [...alike.keys()].map((what) => {
    const callers = joinWords(alike.get(what).map(({ caller }) => callerText(caller)));
    if (what === '') return `the same request of ${callers} is then answered as well`;
    const [request, after] = JSON.parse(what) as [string, string];
    return `also changes ${request.replace(UNDECLARED_HOST, '<any undeclared host>')} of ${callers}: then ${after}`;
  });
}

/** A request in short: its URL, and what is unusual about it. */
export function requestText({ url, method = 'GET', speak }: OtherRequest): string {
  return [...(speak === undefined ? [] : [speak]), ...(method === 'GET' ? [] : [method]), url].join(' ');
}

function callerText(caller: ModelCaller): string {
  if (caller.namespace === ANY_OTHER) return 'any other namespace';
  return caller.serviceAccount === ANY_OTHER ? `any other account of ${caller.namespace}` : nameOf(caller);
}

/** Whether an entry is for a host, by its name or address, and for no other. */
function isAbout({ hosts, addresses }: IstioSpecs['ServiceEntry'], hostname: string): boolean {
  return addresses?.includes(hostname) || (hosts?.length === 1 && hosts[0] === hostname);
}

function firstOf<T>(most: number, all: Iterable<T>): T[] {
  const first: T[] = [];
  for (const one of all) {
    if (first.length === most) break;
    first.push(one);
  }
  return first;
}

/** Requests of one kind differ only in their paths and headers. */
function kindOf({ url, method, speak }: OtherRequest): string {
  return requestText({ url: targetOf(url), method, speak });
}

export function targetOf(url: string): string {
  const { protocol, hostname, port } = urlOf(url);
  return `${isTcpRequest(url) ? 'tcp' : protocol} ${hostname} ${port}`;
}

function isSame(a: Answer, b: Answer): boolean {
  const facts = ({ outcome, via, gateway, tlsOriginatedBy, plaintextToHost, answeredBy }: Answer) =>
    [outcome, plaintextToHost, ...(outcome === 'answered' ? [via, gateway, tlsOriginatedBy, answeredBy] : [])].join();
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
