import { smallestChange, Wanted } from './changes';
import { objectsFrom } from './objects';
import { requestProblem } from './request-problem';
import { asText } from './text';
import { AccessTable, Symptom, Via } from '../access/access-table';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest, World, worldOf } from '../model';

/** What the manifests meet: an access table, or the parts of the world that are known. */
export type ExpectationWorld = World | AccessTable;

/**
 * Begins an expectation about requests that leave the mesh. It throws, with the explanation, where it does not hold, so
 * that any test runner takes it.
 *
 *     expectEgress(Testing.synth(chart)).from('payments/checkout').to('https://api.partner.com').viaGateway('egress');
 *     expectEgress(app).from('payments/other').to('https://api.partner.com').isRefused();
 *
 * @param manifests what `Testing.synth` gives, objects, or a cdk8s App or Chart
 */
export function expectEgress(manifests: any, world: ExpectationWorld = {}): EgressFrom {
  return new EgressFrom(objectsOf(manifests), 'callers' in world ? worldOf(world) : world);
}

/** Who calls. */
export class EgressFrom {
  private model?: EgressModel;

  constructor(
    private readonly objects: EgressObject[],
    private readonly world: World,
  ) {}

  /** A workload: `<namespace>/<service account>`, or more about it. */
  public from(caller: string | ModelCaller): EgressTo {
    if (typeof caller !== 'string') return this.asks(caller);
    const [namespace, serviceAccount] = caller.split('/');
    if (!namespace || !serviceAccount) throw new Error(`from: "${caller}" is not <namespace>/<service account>`);
    return this.asks({ namespace, serviceAccount });
  }

  private asks(caller: ModelCaller): EgressTo {
    this.model ??= EgressModel.of(this.objects, this.world);
    return new EgressTo(this.model, this.objects, this.world, caller);
  }
}

/** What is called. */
export class EgressTo {
  constructor(
    private readonly model: EgressModel,
    private readonly objects: EgressObject[],
    private readonly world: World,
    private readonly caller: ModelCaller,
  ) {}

  /** `http://…`, `https://…` or `tcp://host:port`. */
  public to(url: string, request: Omit<ModelRequest, 'url'> = {}): EgressExpectation {
    const problem = requestProblem(url);
    if (problem !== undefined) throw new Error(`to: ${problem}`);
    const asked = { ...request, url };
    return new EgressExpectation(this.model.ask(this.caller, asked), (answer, wanted) =>
      smallestChange(this.objects, this.world, this.caller, asked, answer, wanted),
    );
  }
}

/** What must happen; every method may be called after the others. */
export class EgressExpectation {
  constructor(
    /** The model's answer, for whatever else a test wants to say about it. */
    public readonly answer: Answer,
    private readonly change: (answer: Answer, wanted: Wanted) => ReturnType<typeof smallestChange>,
  ) {}

  /** The external host answers, with this status if one is given. */
  public isAnswered(status?: number): this {
    this.must(
      this.answer.outcome === 'answered' && (status === undefined || this.answer.status === status),
      `answered${status === undefined ? '' : ` with ${status}`}`,
      {},
    );
    return this;
  }

  /** The external host does not get it, or does not answer it. */
  public isRefused(by?: 'sidecar' | 'gateway' | 'host', symptom?: Symptom): this {
    const { answer } = this;
    this.must(
      answer.outcome === 'refused' &&
        (by === undefined || answer.by === by) &&
        (symptom === undefined || answer.symptom === symptom),
      `refused${by === undefined ? '' : ` by the ${by}`}${symptom === undefined ? '' : `, as ${symptom}`}`,
    );
    return this;
  }

  /** Answered, through a gateway: any, one of a namespace, or `<namespace>/<name>`. */
  public viaGateway(gateway?: string): this {
    const { answer } = this;
    const fits = gateway === undefined || answer.gateway === gateway || answer.gateway?.split('/')[0] === gateway;
    this.must(
      answer.outcome === 'answered' && answer.via === 'gateway' && fits,
      `answered through ${gateway === undefined ? 'a gateway' : `the gateway ${gateway}`}`,
      { via: 'gateway' },
    );
    return this;
  }

  /** Answered, straight from the sidecar, by something that declares the host. */
  public viaSidecar(): this {
    return this.via('sidecar', 'answered, straight from the sidecar');
  }

  /** Answered, past the sidecar. */
  public pastSidecar(): this {
    return this.via('direct', 'answered, past the sidecar');
  }

  /** TLS begins there. */
  public withTlsFrom(originator: 'application' | 'sidecar' | 'gateway'): this {
    this.must(
      this.answer.outcome === 'answered' && this.answer.tlsOriginatedBy === originator,
      `answered, with TLS begun by the ${originator}`,
    );
    return this;
  }

  /** No byte that is not TLS leaves. */
  public withoutPlaintext(): this {
    this.must(this.answer.outcome !== 'undetermined' && !this.answer.plaintextToHost, 'nothing leaves in clear text');
    return this;
  }

  /** The gateway knows the caller. */
  public withIdentity(identity: string): this {
    this.must(this.answer.identityAtGateway === identity, `the gateway knows the caller as ${identity}`);
    return this;
  }

  private via(via: Via, words: string): this {
    this.must(this.answer.outcome === 'answered' && this.answer.via === via, words, { via });
    return this;
  }

  private must(holds: boolean, expected: string, wanted?: Wanted): void {
    if (holds) return;
    const change = wanted && this.answer.outcome !== 'undetermined' ? this.change(this.answer, wanted) : undefined;
    throw new Error(`expected: ${expected}\nthe model says: ${asText(this.answer, { change })}`);
  }
}

/** Plain objects from whatever a cdk8s test has at hand. */
function objectsOf(manifests: any): EgressObject[] {
  if (Array.isArray(manifests)) return objectsFrom(manifests);
  // An App has charts, a Chart objects; both are asked by shape, so that any version of cdk8s will do.
  if (Array.isArray(manifests?.charts)) {
    return manifests.charts.flatMap((chart: any) =>
      objectsFrom(chart.toJson(), (index) => `${chart.node.path}, object ${index + 1}`),
    );
  }
  if (typeof manifests?.toJson === 'function') {
    const json = manifests.toJson();
    return objectsFrom(
      Array.isArray(json) ? json : [json],
      (index) => `${manifests.node?.path ?? 'chart'}, object ${index + 1}`,
    );
  }
  throw new Error('expectEgress: give it what Testing.synth returns, a list of objects, or a cdk8s App or Chart');
}
