import { Symptom, TlsOriginator, Via } from '../../access/access-table';
import { Believed } from '../address-book';
import { Answer, FieldRef, HopName, Remark, Step } from '../answer';
import { CallerPod } from '../capture';
import { Condition, together } from '../conditions';
import { Configuration } from '../configuration';
import { GatewayWorkload } from '../gateway-workloads';
import { ModelRequest } from '../request';
import { Scope } from '../scope';

/** The branch that a walk took, and the branches that there were. */
export interface Choice {
  readonly options: readonly { readonly weight?: number; readonly because: string }[];
  readonly taken: number;
}

/** How a walk ends. */
export type Ending = Pick<Answer, 'outcome' | 'status' | 'symptom' | 'by' | 'reason' | 'causes'>;

/** The location of a redirect that has none. */
export const NOWHERE = '';

/** A request under way: its caller, what has happened to it so far, and how its end looks to the caller. */
export class Journey {
  public readonly choices: Choice[] = [];
  public pod!: CallerPod;
  public url!: URL;
  public speak?: ModelRequest['speak'];
  /** Whether a proxy reads the request as HTTP, so that the caller sees the proxy's status codes. */
  public isRead = false;
  /** The gateway that has the request now. */
  public atGateway?: GatewayWorkload;
  /** The target of a redirect. */
  public location?: string;

  public via?: Via;
  public gateway?: string;
  public identity?: string;
  public destination?: string;
  /** The external host at the end, and the host that was asked for if it is another one. */
  public answeredBy?: string;
  public insteadOf?: string;
  /** The address of the host that was asked for, as the application sees it; unknown where another one is dialled. */
  public ownAddress?: string;
  public serverName?: string;
  public protocol?: Answer['protocol'];
  public clientCertificate?: boolean;
  public clientCommonName?: string;
  public originator?: TlsOriginator;
  public addedHeaders?: string[];
  public plaintext = false;
  /** How long the routes on the egress path let the host take. */
  public limits: { readonly milliseconds: number; readonly cause: FieldRef }[] = [];
  /** Where a route on the egress path says what is tried again. */
  public retries?: FieldRef;

  /** An address that the manifests do not prove. */
  public believed?: Believed;

  private readonly redirects: number[] = [];
  private readonly steps: Step[] = [];
  private readonly remarks = new Map<string, Remark>();
  private readonly assumptions = new Set<string>();
  private readonly conditions: Condition[] = [];

  /** A journey that takes the given branches, and the most likely one where none is given. */
  constructor(
    public readonly configuration: Configuration,
    private readonly script: readonly number[],
    /** The address that the host of the request is said to have, where nothing else tells it. */
    private readonly hostAddress?: string,
  ) {}

  public step(hop: HopName, text: string, decidedBy: readonly FieldRef[]): void {
    this.steps.push({ hop, text, decidedBy });
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

  /** Takes one of several branches: the one that the script gives, else the most likely one. */
  public choose(options: Choice['options']): number {
    if (options.length === 1) return 0;
    const likeliest = options.reduce(
      (best, { weight = 0 }, index) => (weight > (options[best].weight ?? 0) ? index : best),
      0,
    );
    const taken = this.script[this.choices.length] ?? likeliest;
    this.choices.push({ options, taken });
    return taken;
  }

  /** The address of a name: as an application sees it (with the scope of its sidecar), or as a proxy does. */
  public lookUp(name: string, scope?: Scope): string | undefined {
    return this.configuration.addressBook.lookUp(
      name,
      scope,
      scope?.proxy.namespace ?? this.pod.namespace,
      (believed) => (this.believed ??= believed),
      (host) => (host === this.url.hostname ? this.hostAddress : undefined),
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

  /** Dropped packets end in a timeout: of the application itself, or of a proxy, which then refuses the request. */
  public dropped(by: Answer['by'], reason: string, causes: readonly FieldRef[]): Ending {
    this.step(by === 'gateway' ? 'gateway' : by === 'sidecar' ? 'sidecar' : 'application', reason, causes);
    return by === 'host'
      ? { outcome: 'refused', symptom: 'timeout', reason, causes }
      : this.refuse(by, 503, reason, causes);
  }

  /** Records a redirect that is followed, and returns how many there have been. */
  public redirected(status: number): number {
    return this.redirects.push(status);
  }

  /** Forgets the outcome of the request before a redirect is followed. */
  public startAgain(): void {
    this.location = this.via = this.gateway = this.identity = this.serverName = undefined;
    this.protocol = this.originator = this.clientCertificate = this.addedHeaders = undefined;
    this.destination = this.clientCommonName = this.answeredBy = this.insteadOf = this.ownAddress = undefined;
    this.atGateway = this.retries = undefined;
    this.limits = [];
    this.isRead = false;
  }

  public answer(ending: Ending): Answer {
    // Assigned one by one: spreading objects to leave out what is undefined would cost more than the whole walk.
    const answer: { -readonly [field in keyof Answer]: Answer[field] } = {
      outcome: ending.outcome,
      plaintextToHost: this.plaintext,
      reason: ending.reason,
      causes: ending.causes,
      steps: this.steps,
      alternatives: [],
      remarks: [...this.remarks.values()],
      assumptions: [...this.assumptions],
    };
    if (ending.outcome === 'answered') {
      const condition = together(this.conditions);
      if (condition) answer.condition = condition;
      if (this.answeredBy !== undefined) answer.answeredBy = this.answeredBy;
      if (this.insteadOf !== undefined) answer.insteadOf = this.insteadOf;
    }
    if (ending.status !== undefined) answer.status = ending.status;
    if (ending.symptom !== undefined) answer.symptom = ending.symptom;
    if (ending.by !== undefined) answer.by = ending.by;
    if (this.originator !== undefined) answer.tlsOriginatedBy = this.originator;
    if (this.redirects.length > 0) answer.redirects = this.redirects;
    if (this.via !== undefined) answer.via = this.via;
    if (this.identity !== undefined) answer.identityAtGateway = this.identity;
    if (this.serverName !== undefined) answer.serverName = this.serverName;
    if (this.protocol !== undefined) answer.protocol = this.protocol;
    if (this.clientCertificate !== undefined) answer.clientCertificate = this.clientCertificate;
    if (this.clientCommonName !== undefined) answer.clientCommonName = this.clientCommonName;
    if (this.addedHeaders !== undefined) answer.addedHeaders = this.addedHeaders;
    if (this.gateway !== undefined) answer.gateway = this.gateway;
    if (this.destination !== undefined) answer.destination = this.destination;
    return answer;
  }
}
