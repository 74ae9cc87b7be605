import { smallestChange, Wanted } from './changes';
import { objectsFrom } from '../reading/objects';
import { Doubt, Known, nothingToJudge } from './nothing-to-judge';
import { optionProblem, requestProblem } from './request-problem';
import { asText } from './text';
import { printableText } from '../cli/printable';
import { AccessTable, Symptom, SYMPTOMS, Via } from '../access/access-table';
import type { GatewayInstallation } from '../values/gateway-installation';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest, World, worldOf } from '../model';
import { alwaysHolds } from '../model/answer/answer';

/** What surrounds the manifests: an access table, or the parts of the world that are known. */
export type ExpectationWorld = Described | AccessTable;

/** A `World`, in which gateways can be given as the constructs take them. */
export interface Described extends Omit<World, 'gateways'> {
  /** Gateways that need not be among the manifests, or pods as in an access table, which are then all of the mesh. */
  readonly gateways?: World['gateways'] | readonly GatewayInstallation[];
  /** Namespaces of callers that exist, although no manifest names them. */
  readonly namespaces?: readonly string[];
  /** External hosts that exist, although no manifest names them and their name is like that of a declared one. */
  readonly hosts?: readonly string[];
}

/**
 * Begins an assertion about requests that leave the mesh. An assertion that fails throws an Error with the explanation,
 * so it works in any test runner.
 *
 *     expectEgress(Testing.synth(chart)).from('payments/checkout').to('https://api.partner.com').viaGateway('egress');
 *     expectEgress(app).from('payments/other').to('https://api.partner.com').isRefused();
 *
 * @param manifests the result of `Testing.synth`, a list of objects, or a cdk8s App or Chart
 */
export function expectEgress(manifests: unknown, world: ExpectationWorld = {}): EgressFrom {
  const known: Known =
    'callers' in world
      ? { namespaces: world.callers.map(({ namespace }) => namespace), hosts: world.external.map(({ host }) => host) }
      : { namespaces: world.namespaces ?? [], hosts: world.hosts ?? [] };
  return new EgressFrom(objectsOf(manifests), 'callers' in world ? worldOf(world) : worldFrom(world), known);
}

function worldFrom({ gateways, namespaces: _namespaces, hosts: _hosts, ...world }: Described): World {
  if (!gateways) return world;
  const installed = gateways.filter((one): one is GatewayInstallation => 'serviceAccountName' in one);
  if (installed.length === 0) return { ...world, gateways: gateways as World['gateways'] };
  const knownGateways = installed.map(({ name, namespace, labels, serviceAccountName, targetPort }) => ({
    name,
    namespace,
    labels,
    serviceAccount: serviceAccountName,
    targetPort,
  }));
  return { ...world, knownGateways: [...(world.knownGateways ?? []), ...knownGateways] };
}

/** The next step of an assertion: the caller. */
export class EgressFrom {
  private model?: EgressModel;

  constructor(
    private readonly objects: EgressObject[],
    private readonly world: World,
    private readonly known: Known,
  ) {}

  /** A workload, as `<namespace>/<service account>` or with more detail. */
  public from(caller: string | ModelCaller): EgressTo {
    if (typeof caller !== 'string') return this.asks(caller);
    const [namespace, serviceAccount] = caller.split('/');
    if (!namespace || !serviceAccount) throw new Error(`from: "${caller}" is not <namespace>/<service account>`);
    return this.asks({ namespace, serviceAccount });
  }

  private asks(caller: ModelCaller): EgressTo {
    this.model ??= EgressModel.of(this.objects, this.world);
    return new EgressTo(this.model, this.objects, caller, this.known);
  }
}

/** The next step of an assertion: the request. */
export class EgressTo {
  constructor(
    private readonly model: EgressModel,
    private readonly objects: EgressObject[],
    private readonly caller: ModelCaller,
    private readonly known: Known,
  ) {}

  /** `http://…`, `https://…` or `tcp://host:port`. */
  public to(url: string, request: Omit<ModelRequest, 'url'> = {}): EgressExpectation {
    const asked = { ...request, url };
    const problem = requestProblem(url) ?? optionProblem(asked);
    if (problem !== undefined) throw new Error(`to: ${problem}`);
    return new EgressExpectation(
      this.model.ask(this.caller, asked),
      (answer, wanted) => smallestChange(this.model, this.caller, asked, answer, wanted),
      () => nothingToJudge(this.objects, this.caller, url, this.known),
    );
  }
}

/** Assertions about the answer; they can be chained. */
export class EgressExpectation {
  private host?: string;

  constructor(
    /** The model's answer, for assertions of your own. */
    public readonly answer: Answer,
    private readonly change: (answer: Answer, wanted: Wanted) => ReturnType<typeof smallestChange>,
    private readonly doubt: () => Doubt | undefined,
  ) {}

  /** The external host that was asked for answers, with this status if it is given. */
  public isAnswered(status?: number): this {
    return this.assert(
      (answer) => this.isYes(answer) && (status === undefined || answer.status === status),
      `answered${status === undefined ? '' : ` with ${status}`}`,
      {},
    );
  }

  /**
   * This host answers in place of the one that was asked for, with this status if it is given. The assertions that
   * follow in the chain then mean an answer of this host; all others mean the host that was asked for.
   */
  public isAnsweredBy(host: string, status?: number): this {
    this.host = host.toLowerCase();
    return this.isAnswered(status);
  }

  /** The request does not reach the external host, or is not answered. */
  public isRefused(by?: 'sidecar' | 'gateway' | 'host', symptom?: Symptom): this {
    if (symptom !== undefined && !(typeof symptom === 'number' ? symptom >= 100 : SYMPTOMS.includes(symptom)))
      throw new Error(
        `isRefused: ${JSON.stringify(symptom)} is neither a status, such as 503, nor one of ${SYMPTOMS.join(', ')} ` +
          '(exit codes 35, 52 or 56, 28 and 60 of curl, and status 14 of gRPC)',
      );
    return this.assert(
      (answer) =>
        answer.outcome === 'refused' &&
        (by === undefined || answer.by === by) &&
        (symptom === undefined || answer.symptom === symptom),
      `refused${by === undefined ? '' : ` by the ${by}`}${symptom === undefined ? '' : `, as ${symptom}`}`,
    );
  }

  /** Answered through a gateway: any, one in this namespace, or `<namespace>/<name>`. */
  public viaGateway(gateway?: string): this {
    const fits = (id: string | undefined) => gateway === undefined || id === gateway || id?.split('/')[0] === gateway;
    return this.assert(
      (answer) => this.isYes(answer) && answer.via === 'gateway' && fits(answer.gateway),
      `answered through ${gateway === undefined ? 'a gateway' : `the gateway ${gateway}`}`,
      { via: 'gateway' },
    );
  }

  /** Answered through the sidecar and no gateway; an object declares the host. */
  public viaSidecar(): this {
    return this.via('sidecar', 'answered through the sidecar, without a gateway');
  }

  /** Answered without passing the sidecar. */
  public pastSidecar(): this {
    return this.via('direct', 'answered past the sidecar');
  }

  /** TLS to the external host begins there. */
  public withTlsFrom(originator: 'application' | 'sidecar' | 'gateway'): this {
    return this.assert(
      (answer) => this.isYes(answer) && answer.tlsOriginatedBy === originator,
      `answered, with TLS originated by the ${originator}`,
    );
  }

  /** Nothing but TLS reaches the external host. */
  public withoutPlaintext(): this {
    return this.assert(
      ({ outcome, plaintextToHost }) => outcome !== 'undetermined' && !plaintextToHost,
      'nothing reaches the external host in clear text',
    );
  }

  /** The gateway authenticates the caller as `<namespace>/<service account>`. */
  public withIdentity(identity: string): this {
    return this.assert(
      ({ identityAtGateway }) => identityAtGateway === identity,
      `the gateway authenticates the caller as ${identity}`,
    );
  }

  /** Whether the host answers that must: the one that was asked for, unless the assertion names another. */
  private isYes({ outcome, answeredBy, insteadOf }: Answer): boolean {
    return outcome === 'answered' && (this.host === undefined ? insteadOf === undefined : answeredBy === this.host);
  }

  private via(via: Via, words: string): this {
    return this.assert((answer) => this.isYes(answer) && answer.via === via, words, { via });
  }

  /** Fails unless it holds every time: for all alternatives, and on no condition. */
  private assert(holds: (answer: Answer) => boolean, expected: string, wanted?: Wanted): this {
    if (alwaysHolds(this.answer, holds)) {
      // A misspelt question is refused, or let through as undeclared.
      const { outcome, via } = this.answer;
      const doubt = outcome === 'answered' && via !== 'undeclared' ? undefined : this.doubt();
      if (doubt === undefined) return this;
      throw new Error(
        `expected: ${expected}\nit is ${outcome}, but ${[doubt.because, doubt.otherwise].filter(Boolean).join(' ')}`,
      );
    }
    // Where a fact is missing, no object needs to change.
    const isOpen = this.answer.outcome === 'undetermined' || this.answer.condition !== undefined;
    const change = wanted && !isOpen ? this.change(this.answer, wanted) : undefined;
    const by = this.host === undefined ? '' : ` by ${this.host}`;
    throw new Error(printableText(`expected: ${expected}${by}\nthe model says: ${asText(this.answer, { change })}`));
  }
}

/** The objects in whatever form a cdk8s test has them. */
function objectsOf(manifests: unknown): EgressObject[] {
  if (Array.isArray(manifests)) return objectsFrom(manifests);
  // Recognised by shape and not by class, so that any version of cdk8s will do.
  const { charts, toJson } = (manifests ?? {}) as { readonly charts?: readonly unknown[]; readonly toJson?: unknown };
  if (Array.isArray(charts)) return charts.flatMap(objectsOf);
  if (typeof toJson === 'function') {
    const { node } = manifests as { readonly node?: { readonly path: string } };
    const json: unknown = toJson.call(manifests);
    return objectsFrom([json].flat(), (index) => `${node?.path ?? 'chart'}, object ${index + 1}`);
  }
  throw new Error('expectEgress: pass the result of Testing.synth, a list of objects, or a cdk8s App or Chart');
}
