import { Spoken, Symptom, TlsOriginator, Via } from '../../access/access-table';
import { Believed } from '../registry/address-book';
import { Address, textOf } from '../objects/addresses';
import { Answer, FieldRef, HopName, Remark, Step, StepKind } from '../answer/answer';
import { CallerPod } from '../proxies/capture';
import { Condition, together } from '../answer/conditions';
import { Configuration } from '../proxies/configuration';
import { ConnectTimeout } from '../proxies/settings';
import { GatewayWorkload } from '../objects/gateways/workload';
import { CLOSE, firstToGiveUp, GivingUp, Limit, USUAL_CONNECT_TIMEOUT } from './giving-up';
import { Retries } from '../routes/route';
import { Scope } from '../registry/scope';
import { Undetermined } from '../answer/undetermined';

/** The branch that a walk took, and the branches that there were. */
export interface Choice {
  readonly options: readonly { readonly weight?: number; readonly because: string }[];
  readonly taken: number;
  /** Whether a branch is an alternative only if it is answered differently. */
  readonly onlyIfDifferent?: boolean;
}

/** How a walk ends. */
export type Ending = Pick<Answer, 'outcome' | 'status' | 'symptom' | 'by' | 'reason' | 'causes' | 'condition'>;

/** The location of a redirect that has none. */
export const NOWHERE = '';

/** Everything that happens to a request, with the redirects that are followed. */
export class Journey {
  public readonly choices: Choice[];
  /** An address that the manifests do not prove. */
  public believed?: Believed;

  private readonly redirects: number[] = [];
  private readonly steps: Step[] = [];
  private readonly remarks = new Map<string, Remark>();
  private readonly assumptions = new Set<string>();
  private readonly conditions: Condition[] = [];
  private readonly doubts: Condition[] = [];

  /** A journey that takes the given branches, and the most likely one where none is given. */
  constructor(
    public readonly configuration: Configuration,
    private readonly script: readonly number[],
    /** The address that the host of the request is said to have, where nothing else tells it. */
    public readonly hostAddress?: Address,
    /** That of the request, if this is one of a copy: the same chance decides both. */
    private readonly original?: Journey,
  ) {
    this.choices = original?.choices ?? [];
  }

  /** A journey that begins here: of what happens on it, only chance and what `conditionsOf` tells come back. */
  public ofCopy(): Journey {
    return new Journey(this.configuration, this.script, this.hostAddress, this);
  }

  public step(hop: HopName, kind: StepKind, text: string, decidedBy: readonly FieldRef[]): void {
    this.steps.push({ hop, kind, text, decidedBy });
  }

  public remark(remark: Remark): void {
    const [object] = remark.decidedBy;
    this.remarks.set(`${remark.code} ${object?.kind} ${object?.namespace}/${object?.name}`, remark);
  }

  public assume(assumption: string): void {
    this.assumptions.add(assumption);
  }

  /** Something without which the request is refused. */
  public require(condition: Condition): void {
    this.conditions.push(condition);
  }

  /** Something without which another answer is possible, whatever this one is. */
  public doubt(condition: Condition): void {
    this.doubts.push(condition);
  }

  /** Takes one of several branches: the one that the script gives, else the most likely one. */
  public choose(options: Choice['options'], onlyIfDifferent = this.original !== undefined): number {
    const likeliest = options.reduce(
      (best, { weight = 0 }, index) => (weight > (options[best].weight ?? 0) ? index : best),
      0,
    );
    const taken = this.script[this.choices.length] ?? likeliest;
    this.choices.push({ options, taken, onlyIfDifferent });
    return taken;
  }

  /** Records a redirect that is followed, and returns how many there have been. */
  public redirected(status: number): number {
    return this.redirects.push(status);
  }

  /** What must be so for this ending, and, if it got there, for the request to get there. */
  public conditionsOf({ condition }: Partial<Ending>, gotThere: boolean): Condition[] {
    return [...this.doubts, ...(gotThere ? this.conditions : []), ...(condition ? [condition] : [])];
  }

  /** The answer, of which the last leg gives the facts. */
  public answer(leg: Leg, ending: Ending): Answer {
    // Assigned one by one: spreading objects to leave out what is undefined would cost more than the whole walk.
    const answer: { -readonly [field in keyof Answer]: Answer[field] } = {
      outcome: ending.outcome,
      plaintextToHost: leg.plaintext,
      reason: ending.reason,
      causes: ending.causes,
      steps: this.steps,
      alternatives: [],
      remarks: [...this.remarks.values()],
      assumptions: [...this.assumptions],
    };
    if (ending.outcome === 'answered') {
      if (leg.answeredBy !== undefined) answer.answeredBy = leg.answeredBy;
      if (leg.insteadOf !== undefined) answer.insteadOf = leg.insteadOf;
    }
    const condition = together(this.conditionsOf(ending, ending.outcome === 'answered'));
    if (condition) answer.condition = condition;
    if (ending.status !== undefined) answer.status = ending.status;
    if (ending.symptom !== undefined) answer.symptom = ending.symptom;
    if (ending.by !== undefined) answer.by = ending.by;
    if (leg.originator !== undefined) answer.tlsOriginatedBy = leg.originator;
    if (this.redirects.length > 0) answer.redirects = this.redirects;
    if (leg.via !== undefined) answer.via = leg.via;
    if (leg.identity !== undefined) answer.identityAtGateway = leg.identity;
    if (leg.serverName !== undefined) answer.serverName = leg.serverName;
    if (leg.protocol !== undefined) answer.protocol = leg.protocol;
    if (leg.clientCertificate !== undefined) answer.clientCertificate = leg.clientCertificate;
    if (leg.clientCommonName !== undefined) answer.clientCommonName = leg.clientCommonName;
    if (leg.addedHeaders !== undefined) answer.addedHeaders = leg.addedHeaders;
    if (leg.hostHeader !== undefined) answer.hostHeader = leg.hostHeader;
    if (leg.removedHeaders !== undefined) answer.removedHeaders = leg.removedHeaders;
    if (leg.gateway !== undefined) answer.gateway = leg.gateway;
    if (leg.destination !== undefined) answer.destination = leg.destination;
    return answer;
  }
}

/** One request of a journey: what has happened to it so far, and how its end looks to the caller. */
export class Leg {
  /** Whether a proxy reads the request as HTTP, so that the caller sees the proxy's status codes. */
  public isRead = false;
  /** The gateway that has the request now. */
  public atGateway?: GatewayWorkload;
  /** Headers that gateways on the way fill from tokens alone, and take from a request after its route is chosen. */
  public readonly ofTokens = new Set<string>();
  /** Headers that routes on the way set in the response. */
  public readonly responses: (readonly [name: string, value: string])[] = [];
  /** The target of a redirect. */
  public location?: string;
  /** Where a route changes that header of the response. */
  public relocatedBy?: FieldRef;

  public via?: Via;
  public gateway?: string;
  public identity?: string;
  /** Who the certificate of the hop to the gateway says the caller is. */
  public certified?: string;
  public destination?: string;
  /** The external host at the end, and the host that was asked for if it is another one. */
  public answeredBy?: string;
  public insteadOf?: string;
  /** The address of the host that was asked for, as the application sees it; unknown where another one is dialled. */
  public ownAddress?: Address;
  public serverName?: string;
  public protocol?: Answer['protocol'];
  public clientCertificate?: boolean;
  public clientCommonName?: string;
  public originator?: TlsOriginator;
  public addedHeaders?: string[];
  public hostHeader?: string;
  public removedHeaders?: string[];
  /** The header names that the application sends. */
  public sentHeaders?: readonly string[];
  /** How long the routes on the egress path let the host take. */
  public limits: readonly Limit[] = [];
  /** How long the proxy tries to connect, where that is said. */
  public connectTimeout?: ConnectTimeout;
  private readonly arrivals: string[] = [];
  /** What takes a host that fails out of those that are asked. */
  public ejects?: FieldRef;
  /** What the routes on the egress path say of trying again. */
  public readonly retries: Retries[] = [];

  constructor(
    private readonly journey: Journey,
    public readonly pod: CallerPod,
    public readonly url: URL,
    private readonly speak: Spoken | undefined,
    /** Whether an external host has received bytes that were not TLS, on this leg or before. */
    public plaintext: boolean,
  ) {}

  public get configuration(): Configuration {
    return this.journey.configuration;
  }

  /**
   * What gives up first on a connection of a proxy that nobody answers, if that is within this time. Without it, the
   * proxy does in the end.
   */
  public firstToGiveUp(by: Answer['by'], within?: number): GivingUp | undefined {
    const { limits, retries, isRead } = this;
    const connectTimeout =
      this.connectTimeout ?? (within === undefined ? { milliseconds: USUAL_CONNECT_TIMEOUT } : undefined);
    return firstToGiveUp({ limits, retries, isRead, connectTimeout }, by, within ?? Infinity);
  }

  /** The shortest limit of the routes on the egress path, if it ends within this time. */
  public limitWithin(milliseconds: number): Limit | undefined {
    const left = ({ milliseconds: all, passed = 0 }: Limit) => all - passed;
    const [shortest] = [...this.limits].sort((a, b) => left(a) - left(b));
    if (shortest && Math.abs(milliseconds - left(shortest)) < CLOSE)
      throw new Undetermined(`an answer takes about as long as the timeout: ${milliseconds} ms`, [shortest.cause]);
    return shortest && milliseconds > left(shortest) ? shortest : undefined;
  }

  public step(hop: HopName, kind: StepKind, text: string, decidedBy: readonly FieldRef[]): void {
    this.journey.step(hop, kind, text, decidedBy);
  }

  public remark(remark: Remark): void {
    this.journey.remark(remark);
  }

  public assume(assumption: string): void {
    this.journey.assume(assumption);
  }

  public require(condition: Condition): void {
    this.journey.require(condition);
  }

  public doubt(condition: Condition): void {
    this.journey.doubt(condition);
  }

  public conditionsOf(ending: Partial<Ending>, gotThere: boolean): Condition[] {
    return this.journey.conditionsOf(ending, gotThere);
  }

  public choose(options: Choice['options'], onlyIfDifferent?: boolean): number {
    return this.journey.choose(options, onlyIfDifferent);
  }

  /** One of several values by chance; undefined if there is none. */
  public oneOf<T>(values: readonly T[], because: (value: T) => string, onlyIfDifferent?: boolean): T | undefined {
    if (values.length < 2) return values[0];
    const options = values.map((value) => ({ because: because(value) }));
    return values[this.choose(options, onlyIfDifferent)];
  }

  /** One of its copies, at the proxy that makes it. */
  public copy(): Leg {
    const copy = new Leg(this.journey.ofCopy(), this.pod, this.url, undefined, false);
    copy.atGateway = this.atGateway;
    copy.arrivals.push(...this.arrivals);
    copy.isRead = true;
    return copy;
  }

  /** Whether this request is among those to which something happens that happens to a percentage of them. */
  public isAmong(share: number, what: string, how: string): boolean {
    if (share >= 100) return true;
    const fate = this.choose([
      { weight: 100 - share, because: `${100 - share}% of the requests are not ${what}` },
      { weight: share, because: `${share}% of the requests are ${what}${how}` },
    ]);
    return fate === 1;
  }

  /**
   * The gateway has the certificate of the hop. Where it reads no requests, it opens the connection to the host first,
   * and the handshake waits for that.
   */
  public handshakeEnds(): void {
    this.identity ??= this.certified;
  }

  /** Records an arrival at a gateway, and returns whether the request has been there before and came back. */
  public isGoingInCircles({ id }: GatewayWorkload, port: number): boolean {
    const at = `${id}:${port}`;
    const isBack = this.arrivals.filter((one) => one === at).length > 1;
    this.arrivals.push(at);
    return isBack;
  }

  /** The addresses of a name: as an application sees it (with the scope of its sidecar), or as a proxy does. */
  public lookUp(name: string, scope?: Scope): readonly Address[] {
    const { addressBook } = this.configuration;
    const own = (this.atGateway ?? this.pod).dns?.hostsFile.get(name.toLowerCase());
    if (own)
      return own.map((address) => {
        const known = addressBook.behind(textOf(address));
        return known.kind === 'ip' ? address : known;
      });
    return addressBook.lookUp(
      name,
      scope,
      scope?.proxy.namespace ?? this.pod.namespace,
      scope !== undefined && !this.pod.isDnsCaptureSaid,
      (believed) => (this.journey.believed ??= believed),
      (host) => (host === this.url.hostname ? this.journey.hostAddress : undefined),
    );
  }

  /** A refusal as the caller sees it: a status where a proxy reads the request, else a closed connection. */
  public refuse(by: Answer['by'], status: number | undefined, reason: string, causes: readonly FieldRef[]): Ending {
    const isClear = this.url.protocol === 'http:' && this.isRead && status !== undefined;
    const isUnavailable = isClear && this.speak === 'grpc' && [502, 503, 504].includes(status);
    const symptom: Symptom = isUnavailable
      ? 'grpc-unavailable'
      : isClear
        ? status
        : this.url.protocol === 'https:'
          ? 'tls-closed'
          : 'closed';
    return { outcome: 'refused', symptom, by: by, reason, causes };
  }

  /** The gateway closes the connection, before or instead of reading a request. */
  public closedAtGateway(reason: string, causes: readonly FieldRef[]): Ending {
    this.step('gateway', 'ends', `${reason}: closed`, causes);
    return this.refuse('gateway', 503, reason, causes);
  }

  /** Dropped packets end in a timeout: of the application itself, or of a proxy, which then refuses the request. */
  public dropped(by: Answer['by'], reason: string, causes: readonly FieldRef[]): Ending {
    this.step(by === 'gateway' ? 'gateway' : by === 'sidecar' ? 'sidecar' : 'application', 'drops', reason, causes);
    if (by === 'host') return { outcome: 'refused', symptom: 'timeout', reason, causes };
    const first = this.firstToGiveUp(by)!;
    const says = first.causes.length > 0 ? `${reason}, and ${first.says}` : reason;
    return this.refuse(by, first.status, says, [...first.causes, ...causes]);
  }
}
