import { Alternative, Answer } from './answer';
import { Configuration } from './configuration';
import { ModelCaller, ModelRequest } from './request';
import { Walk } from './walk';
import { World } from './world';
import { EgressObject } from '../manifests/egress-object';

export type { EgressObject } from '../manifests/egress-object';
export type { Alternative, Answer, Decider, HopName, Remark, Step } from './answer';
export type { ModelCaller, ModelRequest } from './request';
export { worldOf, type World } from './world';

/** How many answers of one request are told apart; more ways than these are not worth anybody's time. */
const MOST_ALTERNATIVES = 16;

/**
 * What happens to a request that leaves the mesh, computed from anybody's manifests.
 *
 *     const model = EgressModel.of(objects, worldOf(table));   // objects: { manifest, origin }
 *     model.ask({ namespace: 'payments', serviceAccount: 'checkout' }, { url: 'http://api.partner.com/' }).outcome
 *
 * It never guesses: what it does not understand and could change the answer gives `undetermined`, and `reason` names it.
 */
export class EgressModel {

  /** A model of these objects. Proxies are configured when the first of their requests is asked about. */
  public static of(objects: Iterable<EgressObject>, world: World = {}): EgressModel {
    return new EgressModel(new Configuration([...objects], world));
  }

  private constructor(private readonly configuration: Configuration) {}

  /** What happens to the request of this caller. */
  public ask(caller: ModelCaller, request: ModelRequest): Answer {
    const walk = new Walk(this.configuration);
    const answer = walk.answer(caller, request);
    return walk.choices.length === 0 ? answer : { ...answer, alternatives: this.others(walk, caller, request) };
  }

  /** The same request by the other branches of its way. */
  private others(first: Walk, caller: ModelCaller, request: ModelRequest): Alternative[] {
    const alternatives: Alternative[] = [];
    const open: { walk: Walk; from: number; path: number[] }[] = [{ walk: first, from: 0, path: [] }];
    while (open.length > 0 && alternatives.length < MOST_ALTERNATIVES) {
      const { walk, from } = open.shift()!;
      const taken = walk.choices.map(choice => choice.taken);
      for (let at = from; at < walk.choices.length; at++) {
        const { options } = walk.choices[at];
        for (let other = 0; other < options.length && alternatives.length < MOST_ALTERNATIVES; other++) {
          if (other === walk.choices[at].taken) continue;
          const script = [...taken.slice(0, at), other];
          const next = new Walk(this.configuration, script);
          const answer = next.answer(caller, request);
          alternatives.push({
            ...(options[other].weight !== undefined && { weight: options[other].weight }),
            because: options[other]
              .because,
            answer,
          });
          open.push({ walk: next, from: at + 1, path: script });
        }
      }
    }
    return alternatives;
  }
}
