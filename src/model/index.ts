import { Alternative, Answer } from './answer';
import { Configuration } from './configuration';
import { Discovery } from './discovery';
import { meshFieldRef } from './field-ref';
import { asAssumed, isSameAnswer, isSameWay, possibilities, Possibility } from './open-questions';
import { ModelCaller, ModelRequest } from './request';
import { walk, WalkResult } from './walk';
import { malformedThatMatters, Malformed, separateMalformed } from './well-formed';
import { World } from './world';
import { EgressObject } from '../manifests/egress-object';

export type { EgressObject } from '../manifests/egress-object';
export type { Alternative, Answer, FieldRef, HopName, Remark, Step } from './answer';
export type { ModelCaller, ModelRequest } from './request';
export { worldOf, type KnownGateway, type World } from './world';

/** The most alternatives that one answer lists. */
const MAX_ALTERNATIVES = 16;

/**
 * Computes what happens to a request that leaves the mesh, from any manifests.
 *
 *     const model = EgressModel.of(objects, worldOf(table));   // objects: { manifest, origin }
 *     model.ask({ namespace: 'payments', serviceAccount: 'checkout' }, { url: 'http://api.partner.com/' }).outcome
 *
 * It never guesses: if something that it does not understand could change the answer, the outcome is `undetermined` and
 * `reason` names it.
 */
export class EgressModel {
  /** A model of these objects. The configuration of a proxy is computed when a request first needs it. */
  public static of(objects: Iterable<EgressObject>, world: World = {}): EgressModel {
    const sorted = separateMalformed(objects);
    return new EgressModel(new Configuration(asAssumed(sorted.objects, world), world), sorted, world);
  }

  /** The ways in which it could be what neither the manifests nor the world say; each is made when it is needed. */
  private readonly known: { readonly possibility: Possibility; readonly configuration: Configuration }[] = [];
  private readonly open: Iterator<Possibility>;
  private readonly discovery: Discovery;

  private constructor(
    private readonly configuration: Configuration,
    private readonly checked: ReturnType<typeof separateMalformed>,
    world: World,
  ) {
    this.open = possibilities(checked.objects, world);
    this.discovery = new Discovery(checked.objects, world.discoverySelectors);
  }

  /** The objects that the model was made from, without the malformed ones. */
  public get objects(): readonly EgressObject[] {
    return this.checked.objects;
  }

  /**
   * Objects that every API server rejects. They are left out, and the answers that they could change are undetermined.
   */
  public get malformed(): readonly Malformed[] {
    return this.checked.malformed;
  }

  /** What happens to a request of a caller. */
  public ask(caller: ModelCaller, request: ModelRequest): Answer {
    const obstacle = malformedThatMatters(
      this.malformed,
      this.checked.objects,
      request,
      this.configuration.registry.clusterDomain,
    );
    if (obstacle) {
      return {
        outcome: 'undetermined',
        reason: obstacle.problem,
        causes: [obstacle.cause],
        plaintextToHost: false,
        steps: [],
        alternatives: [],
        remarks: [],
        assumptions: [],
      };
    }
    const isRead = this.discovery.of(caller.namespace);
    if (isRead !== 'yes') {
      const doubt = isRead === 'no' ? 'do not select' : 'may not select (add its Namespace object, with its labels)';
      return {
        outcome: 'undetermined',
        reason:
          `the discoverySelectors of the mesh ${doubt} the namespace ${caller.namespace} of the caller, and what its ` +
          'sidecar then does is not part of the model',
        causes: [meshFieldRef('discoverySelectors')],
        plaintextToHost: false,
        steps: [],
        alternatives: [],
        remarks: [],
        assumptions: [],
      };
    }
    const answer = this.answerWith(this.configuration, caller, request);
    return answer.outcome === 'undetermined' ? answer : this.withoutDoubt(answer, caller, request);
  }

  /** The answer, if it is the same in every way in which what is not said could be. */
  private withoutDoubt(answer: Answer, caller: ModelCaller, request: ModelRequest): Answer {
    const assumed = new Set<string>();
    for (let index = 0; ; index++) {
      const one = this.known[index] ?? this.next();
      if (one === undefined)
        return assumed.size === 0 ? answer : { ...answer, assumptions: [...answer.assumptions, ...assumed] };
      const { onlyPort } = one.possibility;
      if (onlyPort !== undefined && !request.follow && onlyPort !== portOf(request)) continue;
      const other = this.answerWith(one.configuration, caller, request);
      if (isSameAnswer(answer, other)) {
        if (!isSameWay(answer, other)) assumed.add(one.possibility.assumed);
        continue;
      }
      const { when, say } = one.possibility;
      return {
        outcome: 'undetermined',
        reason: `it depends on what is not said: if ${when}, ${inShort(other)}; otherwise ${inShort(answer)}. To say it, ${say}`,
        causes: [...other.causes, ...answer.causes].filter(
          (cause, at, all) => all.findIndex((same) => JSON.stringify(same) === JSON.stringify(cause)) === at,
        ),
        plaintextToHost: answer.plaintextToHost || other.plaintextToHost,
        steps: [],
        alternatives: [],
        remarks: [],
        assumptions: answer.assumptions,
      };
    }
  }

  private next() {
    const { value: possibility, done } = this.open.next();
    if (done) return undefined;
    const { objects, world } = possibility as Possibility;
    const one = { possibility: possibility as Possibility, configuration: new Configuration(objects, world) };
    this.known.push(one);
    return one;
  }

  private answerWith(configuration: Configuration, caller: ModelCaller, request: ModelRequest): Answer {
    const first = walk(configuration, caller, request);
    const { answer } = first;
    const { world, workloads } = configuration.registry;
    const condition =
      answer.gateway === undefined ? undefined : workloads.find(({ id }) => id === answer.gateway)?.condition;
    const isHostUnknown = answer.outcome === 'answered' && world.external === undefined;
    return {
      ...answer,
      ...(first.choices.length > 0 && { alternatives: this.others(configuration, first, caller, request) }),
      ...(condition && { condition }),
      ...(isHostUnknown && { assumptions: [...answer.assumptions, goodHost(answer)] }),
    };
  }

  /** The answers to the same request on the other branches of its egress path. */
  private others(
    configuration: Configuration,
    first: WalkResult,
    caller: ModelCaller,
    request: ModelRequest,
  ): Alternative[] {
    const alternatives: Alternative[] = [];
    const open: { walked: WalkResult; from: number }[] = [{ walked: first, from: 0 }];
    while (open.length > 0 && alternatives.length < MAX_ALTERNATIVES) {
      const {
        walked: { choices },
        from,
      } = open.shift()!;
      const taken = choices.map((choice) => choice.taken);
      for (let at = from; at < choices.length; at++) {
        const { options } = choices[at];
        for (let other = 0; other < options.length && alternatives.length < MAX_ALTERNATIVES; other++) {
          if (other === taken[at]) continue;
          const next = walk(configuration, caller, request, [...taken.slice(0, at), other]);
          const { weight, because } = options[other];
          alternatives.push({ ...(weight !== undefined && { weight }), because, answer: next.answer });
          open.push({ walked: next, from: at + 1 });
        }
      }
    }
    return alternatives;
  }
}

/** What is assumed of every host that nobody describes. */
function goodHost({ destination = 'the host', tlsOriginatedBy = 'none' }: Answer): string {
  return `${destination} answers${tlsOriginatedBy === 'none' ? '' : ', with a good certificate'}`;
}

function portOf({ url }: ModelRequest): number {
  const { protocol, port } = new URL(url.replace(/^tcp:/, 'http:'));
  return port !== '' ? Number(port) : protocol === 'https:' ? 443 : 80;
}

function inShort({ outcome, reason, symptom, by }: Answer): string {
  if (outcome !== 'refused') return reason;
  return `it is refused${by === undefined ? '' : ` by the ${by === 'host' ? 'external host' : by}`} (${symptom ?? 'no answer'}): ${reason}`;
}
