import { Answer } from './answer';
import { ModelCaller, ModelRequest } from './request';
import { World } from './world';
import { EgressObject } from '../manifests/egress-object';

export type { EgressObject } from '../manifests/egress-object';
export type { Alternative, Answer, Decider, HopName, Remark, Step } from './answer';
export type { ModelCaller, ModelRequest } from './request';
export { worldOf, type World } from './world';

/**
 * What happens to a request that leaves the mesh, computed from anybody's manifests.
 *
 *     const model = EgressModel.of(objects, worldOf(table));   // objects: { manifest, origin }
 *     model.ask({ namespace: 'payments', serviceAccount: 'checkout' }, { url: 'http://api.partner.com/' }).outcome
 *
 * It never guesses: what it does not understand and could change the answer gives `undetermined`, and `reason` names it.
 */
export class EgressModel {

  /** A model of these objects. Nothing is computed before somebody asks. */
  public static of(objects: Iterable<EgressObject>, world: World = {}): EgressModel {
    return new EgressModel([...objects], world);
  }

  private constructor(private readonly objects: readonly EgressObject[], private readonly world: World) {}

  /** What happens to the request of this caller. */
  public ask(caller: ModelCaller, request: ModelRequest): Answer {
    return {
      outcome: 'undetermined',
      plaintextToOutside: false,
      reason: `the model does not answer ${request.url} from ${caller.namespace}/${caller.serviceAccount} yet (${this.objects.length} objects, ${this.world.mesh?.trustDomain ?? 'cluster.local'})`,
      causes: [],
      steps: [],
      alternatives: [],
      remarks: [],
      assumptions: [],
    };
  }
}
