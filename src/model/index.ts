import { Alternative, Answer } from './answer';
import { Configuration } from './configuration';
import { ModelCaller, ModelRequest } from './request';
import { walk, WalkResult } from './walk';
import { malformedThatMatters, Malformed, separateMalformed } from './well-formed';
import { World } from './world';
import { EgressObject } from '../manifests/egress-object';

export type { EgressObject } from '../manifests/egress-object';
export type { Alternative, Answer, FieldRef, HopName, Remark, Step } from './answer';
export type { ModelCaller, ModelRequest } from './request';
export { worldOf, type World } from './world';

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
    return new EgressModel(new Configuration(sorted.objects, world), sorted);
  }

  private constructor(
    private readonly configuration: Configuration,
    private readonly checked: ReturnType<typeof separateMalformed>,
  ) {}

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
    const first = walk(this.configuration, caller, request);
    return first.choices.length === 0
      ? first.answer
      : { ...first.answer, alternatives: this.others(first, caller, request) };
  }

  /** The answers to the same request on the other branches of its egress path. */
  private others(first: WalkResult, caller: ModelCaller, request: ModelRequest): Alternative[] {
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
          const next = walk(this.configuration, caller, request, [...taken.slice(0, at), other]);
          const { weight, because } = options[other];
          alternatives.push({ ...(weight !== undefined && { weight }), because, answer: next.answer });
          open.push({ walked: next, from: at + 1 });
        }
      }
    }
    return alternatives;
  }
}
