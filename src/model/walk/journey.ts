import { Symptom, TlsOriginator, Via } from '../../access/access-table';
import { Answer, FieldRef, HopName, Remark, Step } from '../answer';
import { CallerPod } from '../capture';
import { Configuration } from '../configuration';
import { GatewayWorkload } from '../gateway-workloads';
import { ModelRequest } from '../request';
import { Scope } from '../scope';

/** Which of several possibilities a walk takes, and which there were. */
export interface Choice {
  readonly options: readonly { readonly weight?: number; readonly because: string }[];
  readonly taken: number;
}

/** How a walk ends. */
export type Ending = Pick<Answer, 'outcome' | 'status' | 'symptom' | 'by' | 'reason' | 'causes'>;

/**
 * What is known of a request under way: who sends it, what has happened to it so far, and how its end looks to the
 * caller.
 */
export class Journey {
  public readonly choices: Choice[] = [];
  public pod!: CallerPod;
  public url!: URL;
  public speak?: ModelRequest['speak'];
  /** Whether a proxy reads the request, so that the caller sees statuses of proxies. */
  public isRead = false;
  /** The gateway that has the request now. */
  public atGateway?: GatewayWorkload;
  /** Where a redirect leads. */
  public location?: string;

  public via?: Via;
  public gateway?: string;
  public identity?: string;
  public destination?: string;
  public serverName?: string;
  public protocol?: Answer['protocol'];
  public clientCertificate?: boolean;
  public clientCommonName?: string;
  public originator?: TlsOriginator;
  public addedHeaders?: string[];
  public plaintext = false;

  private readonly redirects: number[] = [];
  private readonly steps: Step[] = [];
  private readonly remarks = new Map<string, Remark>();
  private readonly assumptions = new Set<string>();

  /** A journey that takes the given branches, and the likeliest where none is given. */
  constructor(
    public readonly configuration: Configuration,
    private readonly script: readonly number[],
  ) {}

  public step(hop: HopName, text: string, decidedBy: readonly FieldRef[]): void {
    this.steps.push({ hop, text, decidedBy });
  }

  public remark(remark: Remark): void {
    this.remarks.set(`${remark.code} ${remark.decidedBy[0]?.name}`, remark);
  }

  public assume(assumption: string): void {
    this.assumptions.add(assumption);
  }

  /** Takes one of several possibilities; which, the script says, and else the likeliest. */
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

  /** What is found when a name is looked up, by an application with the sidecar's help or by a proxy. */
  public lookUp(name: string, scope?: Scope): string | undefined {
    return this.configuration.addressBook.lookUp(name, scope, (assumption) => this.assume(assumption));
  }

  /** How a refusal looks to the caller: a status where some proxy reads the request, else the end of the connection. */
  public refuse(by: Answer['by'], status: number | undefined, reason: string, causes: readonly FieldRef[]): Ending {
    const isClear = this.url.protocol === 'http:' && this.isRead && status !== undefined;
    const isUnavailable = isClear && this.speak === 'grpc' && (status === 502 || status === 503);
    const symptom: Symptom = isUnavailable
      ? 'grpc-unavailable'
      : isClear
        ? status
        : this.url.protocol === 'https:'
          ? 'tls-closed'
          : 'closed';
    return { outcome: 'refused', symptom, by: by, reason, causes };
  }

  /** Packets that are dropped are waited for: by the application itself, or by a proxy that then gives up. */
  public dropped(by: Answer['by'], reason: string, causes: readonly FieldRef[]): Ending {
    this.step(by === 'gateway' ? 'gateway' : by === 'sidecar' ? 'sidecar' : 'application', reason, causes);
    return by === 'host'
      ? { outcome: 'refused', symptom: 'timeout', reason, causes }
      : this.refuse(by, 503, reason, causes);
  }

  /** Notes a redirect that is followed, and says how many there were. */
  public redirected(status: number): number {
    return this.redirects.push(status);
  }

  /** Forgets what the request came to before it was sent elsewhere. */
  public startAgain(): void {
    this.location = this.via = this.gateway = this.identity = this.serverName = undefined;
    this.protocol = this.originator = this.clientCertificate = this.addedHeaders = undefined;
    this.atGateway = undefined;
    this.isRead = false;
  }

  public answer(ending: Ending): Answer {
    // Assigned one by one: an answer is made for every request, and leaving out what is undefined by spreading costs
    // more than the way itself.
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
    if (ending.status !== undefined) answer.status = ending.status;
    if (ending.symptom !== undefined) answer.symptom = ending.symptom;
    if (ending.by !== undefined) answer.by = ending.by;
    if (ending.outcome === 'answered' && this.originator !== undefined) answer.tlsOriginatedBy = this.originator;
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
