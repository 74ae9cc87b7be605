import { answerIn, anywhere, portOf, undeterminedAnswer } from './branches';
import { Alternative, Answer, byWhom } from './answer/answer';
import { AssumedService } from './assumed-service';
import { CallerLabels } from './registry/caller-labels';
import { Condition, SAY_MESH, together } from './answer/conditions';
import { Configuration } from './proxies/configuration';
import { Discovery } from './objects/discovery';
import { meshFieldRef, refsOf, uniqueRefs } from './answer/field-ref';
import { asAssumed, isSameAnswer, isSameWay, possibilities, Possibility, taggedObjects } from './open-questions';
import { ModelCaller, ModelRequest } from './requests/request';
import { namesOfRequest } from './objects/host-names';
import { isNewer, mayImportLess } from './objects/admission/newer';
import { isOnlyForGateways, malformedThatMatters, Malformed, separateMalformed } from './objects/well-formed';
import { World } from './objects/world';
import { MeshSettings } from '../access/access-table';
import { urlOf } from '../access/request-url';
import { EgressObject } from '../manifests/egress-object';
import { Labels, selects } from '../manifests/selectors';
import { KNOWN_MINORS } from '../istio/release-lines';
import { unlessPluginRefuses } from './policies/plugin-policies';
import { valueIn } from '../values/grouping';

export type { EgressObject } from '../manifests/egress-object';
export type { Alternative, Answer, FieldRef, HopName, Remark, Step } from './answer/answer';
export type { ModelCaller, ModelRequest } from './requests/request';
export { worldOf, type KnownGateway, type World } from './objects/world';

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
    const sorted = separateMalformed(objects, world.istioVersion);
    return new EgressModel(asAssumed(sorted.objects, world), sorted, world);
  }

  /** The ways in which it could be what neither the manifests nor the world say; each is made when it is needed. */
  private readonly known: { readonly possibility: Possibility; configuration?: Configuration }[] = [];
  private readonly open: Iterator<Possibility>;
  private readonly assumed: AssumedService;
  private readonly discovery: Discovery;
  private readonly labels: CallerLabels;
  private readonly others = new Map<string, EgressModel>();
  private hasNewer?: boolean;
  private tagged?: readonly [ReturnType<typeof taggedObjects>];

  private readonly configuration: Configuration;
  /** The malformed objects that matter only to requests that pass a gateway, and all others. */
  private readonly malformedAtGateways: readonly Malformed[];
  private readonly malformedAnywhere: readonly Malformed[];

  private constructor(
    private readonly assumedObjects: readonly EgressObject[],
    private readonly checked: ReturnType<typeof separateMalformed>,
    public readonly world: World,
  ) {
    this.configuration = new Configuration(assumedObjects, world);
    const entries = this.configuration.registry.index.ofKind('ServiceEntry');
    this.malformedAtGateways = checked.malformed.filter((one) => isOnlyForGateways(one, entries));
    this.malformedAnywhere = checked.malformed.filter((one) => !isOnlyForGateways(one, entries));
    this.open = possibilities(checked.objects, world, this.configuration.registry.missingServices);
    this.assumed = new AssumedService(this.configuration);
    this.discovery = new Discovery(checked.objects, world.discoverySelectors);
    this.labels = new CallerLabels(this.configuration.registry);
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

  /** A model of other objects in the same world; those that this model has too are not checked again. */
  public with(objects: Iterable<EgressObject>): EgressModel {
    const sorted = separateMalformed(objects, this.world.istioVersion, new Set(this.checked.objects));
    return new EgressModel(asAssumed(sorted.objects, this.world), sorted, this.world);
  }

  /** What happens to a request of a caller. */
  public ask(caller: ModelCaller, request: ModelRequest): Answer {
    const isRead = this.discovery.of(caller.namespace);
    if (isRead !== true) {
      const doubt = isRead === false ? 'do not select' : 'may not select (add its Namespace object, with its labels)';
      return undeterminedAnswer(
        `the discoverySelectors of the mesh ${doubt} the namespace ${caller.namespace} of the caller, and what its ` +
          'sidecar then does is not part of the model',
        [meshFieldRef('discoverySelectors')],
      );
    }
    const complete = this.labels.complete(caller);
    return this.withConditions(this.unlessMalformed(complete, request), complete, request);
  }

  /** The answer, unless correcting a malformed object could change it. */
  private unlessMalformed(caller: ModelCaller, request: ModelRequest): Answer {
    const obstacle = this.obstacle(this.malformedAnywhere, caller, request);
    if (obstacle) return obstacle;
    const answer = this.withoutDoubt(caller, request);
    return passesNoGateway(answer) ? answer : (this.obstacle(this.malformedAtGateways, caller, request) ?? answer);
  }

  /** The answer where one of these malformed objects could change it. */
  private obstacle(
    malformed: readonly Malformed[],
    { namespace: own }: ModelCaller,
    request: ModelRequest,
  ): Answer | undefined {
    if (malformed.length === 0) return undefined;
    const { clusterDomain, index, rootNamespace, workloads } = this.configuration.registry;
    const namespaces = new Set([own, rootNamespace, ...workloads.map(({ namespace }) => namespace)]);
    const entries = index.ofKind('ServiceEntry');
    const found = malformedThatMatters(malformed, index.hops, entries, request, namespaces, clusterDomain);
    return found && undeterminedAnswer(found.problem, [found.cause]);
  }

  /** The answer, with what must be so of the caller and its host for the answer to hold. */
  private withConditions(answer: Answer, caller: ModelCaller, request: ModelRequest): Answer {
    if (answer.outcome === 'undetermined') return answer;
    const conditions = answer.condition === undefined ? [] : [answer.condition];
    const { unknownSettings = [] } = this.configuration.registry.world;
    if (unknownSettings.length > 0)
      conditions.push({
        holds: `the settings ${unknownSettings.join(', ')} of the mesh, which the model does not know, change nothing`,
        say: 'pass --mesh FILE without them (mesh in a test), if they do not',
      });
    const ofPlugin = unlessPluginRefuses(this.configuration.registry, caller.namespace, answer);
    if (ofPlugin) conditions.push(ofPlugin);
    const denied: Labels[] = [];
    for (const { caller: other, condition, denied: labels } of this.labels.others(caller)) {
      if (labels && denied.some((fewer) => selects(fewer, labels))) continue;
      if (isSameAnswer(answer, this.withoutDoubt(other, request))) continue;
      conditions.push(condition);
      if (labels) denied.push(labels);
    }
    for (const { model, condition } of this.otherMeshes(caller, request)) {
      const other = model().unlessMalformed(caller, request);
      // Where the other answer has no condition, the one that this has may well be what that setting makes true.
      const bare = other.condition === undefined ? { ...answer, condition: undefined } : answer;
      if (!isSameAnswer(anywhere(bare), anywhere(other))) conditions.push(condition);
    }
    return conditions.length === 0 ? answer : { ...answer, condition: together(conditions) };
  }

  /** Settings of the mesh that could change an answer, where nothing gives its configuration. */
  private otherMeshes(caller: ModelCaller, { url }: ModelRequest): OtherMesh[] {
    const { world, index } = this.configuration.registry;
    // No access table says whether what pods have is the revision of istiod, or a tag of it.
    if (world.external !== undefined) return this.meshOfTag();
    const older = [...this.olderMesh(), ...this.meshOfTag()];
    if (world.mesh?.outboundTrafficPolicy !== undefined) return older;
    const isPlain = !/%|\\|\/\/|\/\.|[A-Z]/.test(url.replace(/^[a-z]+:\/\/[^/]*/, ''));
    const others = OTHER_MESHES.filter(
      ({ mesh }) =>
        (mesh.dnsCapture === undefined || caller.dnsCapture === undefined) &&
        (Object.keys(mesh) as (keyof MeshSettings)[]).every((name) => world.mesh?.[name] === undefined) &&
        (!isPlain || !mesh.pathNormalization) &&
        // Ranges of one family are all that tells the families apart.
        (!mesh.dualStack || index.inGroup('networking.k8s.io', 'NetworkPolicy').length > 0),
    ).map(({ mesh, holds }) => ({
      model: () =>
        valueIn(
          this.others,
          holds,
          () => new EgressModel(this.assumedObjects, this.checked, { ...world, mesh: { ...world.mesh, ...mesh } }),
        ),
      condition: { holds, say: SAY_MESH },
    }));
    return [...older, ...others];
  }

  /** The same mesh with an older Istio, where nobody says which it has, and it reads some objects otherwise. */
  private olderMesh(): OtherMesh[] {
    const { objects, malformed } = this.checked;
    const { registry } = this.configuration;
    this.hasNewer ??=
      this.world.istioVersion === undefined &&
      objects.some(({ manifest }) => isNewer(manifest) || (mayImportLess(manifest) && registry.hasSeveralOfOneHost));
    if (!this.hasNewer) return [];
    const { oldest, newest } = KNOWN_MINORS;
    const istioVersion = `1.${oldest}`;
    return [
      {
        model: () =>
          valueIn(this.others, istioVersion, () =>
            EgressModel.of([...objects, ...malformed.map(({ source }) => source)], { ...this.world, istioVersion }),
          ),
        condition: {
          holds: `the mesh runs Istio 1.${newest} or later`,
          say: `--istio 1.${newest} (istioVersion in a test)`,
        },
      },
    ];
  }

  /** The same mesh, if what pods have as their revision is only a tag of one. */
  private meshOfTag(): OtherMesh[] {
    this.tagged ??= [taggedObjects(this.assumedObjects)];
    const [found] = this.tagged;
    if (!found) return [];
    const { tag, configMap, read } = found;
    return [
      {
        model: () =>
          valueIn(
            this.others,
            `tag ${tag}`,
            () => new EgressModel(read, { ...this.checked, objects: read }, this.world),
          ),
        condition: {
          holds: `${tag} is the revision of an istiod, and not a tag of one`,
          say: `add the ConfigMap ${configMap} of that istiod`,
        },
      },
    ];
  }

  /** The answer, if it is the same in every way in which what is not said could be. */
  private withoutDoubt(caller: ModelCaller, request: ModelRequest): Answer {
    const answer = answerIn(this.configuration, caller, request);
    if (answer.outcome === 'undetermined') return answer;
    const url = urlOf(request.url);
    const assumed = new Set<string>();
    const conditions = answer.condition ? [answer.condition] : [];
    const known = conditions.length;
    const byChance: Alternative[] = [];
    for (let index = 0; ; index++) {
      const one = this.known[index] ?? this.next();
      if (one === undefined && assumed.size + byChance.length === 0 && conditions.length === known) return answer;
      if (one === undefined)
        return {
          ...answer,
          ...(conditions.length > known && { condition: together(conditions) }),
          assumptions: [...answer.assumptions, ...assumed],
          alternatives: [...answer.alternatives, ...byChance],
        };
      const { objects, world, onlyPort, isWithoutAssumed, isWithoutGateway, isChance, isMetBy, isUntried } =
        one.possibility;
      if (onlyPort !== undefined && !request.follow && onlyPort !== portOf(request, url)) continue;
      if (
        isMetBy &&
        !isRedirected(answer) &&
        !isMetBy(caller.namespace, portOf(request, url), namesOfRequest(request, url))
      )
        continue;
      if (isUntried) return undeterminedAnswer(one.possibility.when, answer.causes, answer.plaintextToHost);
      if (isWithoutAssumed && this.assumed.isIrrelevant(caller, request, url)) continue;
      if (isWithoutGateway && !passesNoGateway(answer)) continue;
      const other = answerIn((one.configuration ??= new Configuration(objects, world)), caller, request);
      if (isSameAnswer(answer, other)) {
        if (!isChance && !isSameWay(answer, other)) assumed.add(one.possibility.assumed);
        continue;
      }
      const { when, say } = one.possibility;
      if (!isChance && isSameAnswer({ ...answer, condition: other.condition }, other)) {
        // It is the same answer where the conditions of both hold.
        if (other.condition) conditions.push(other.condition);
        continue;
      }
      if (isChance) {
        if (other.outcome === 'undetermined') return other;
        byChance.push({ because: when, answer: { ...other, alternatives: [] } }, ...other.alternatives);
        continue;
      }
      if (onlyPort !== undefined && isRefusedAlike(answer, other)) {
        assumed.add(
          `${one.possibility.assumed}; otherwise the caller sees ${other.symptom} instead of ${answer.symptom}`,
        );
        continue;
      }
      const deciding = [...refsOf(answer), ...refsOf(other)].map((ref) => `${ref.kind} ${ref.namespace}/${ref.name}`);
      const who = one.possibility.whenAmong?.(new Set(deciding)) ?? when;
      return {
        ...undeterminedAnswer(
          `it depends on what is not said: if ${who}, ${inShort(other)}; otherwise ${inShort(answer)}. ` +
            `To say it, ${say}`,
          uniqueRefs([...other.causes, ...answer.causes]),
          answer.plaintextToHost || other.plaintextToHost,
        ),
        assumptions: answer.assumptions,
      };
    }
  }

  private next() {
    const { value: possibility, done } = this.open.next();
    if (done) return undefined;
    return this.known[this.known.push({ possibility }) - 1];
  }
}

/** A mesh that is not ruled out, and what must be so for it not to be the one. */
interface OtherMesh {
  readonly model: () => EgressModel;
  readonly condition: Condition;
}

/** Settings that meshes have beside the outbound traffic policy, and what an answer takes for granted of them. */
const OTHER_MESHES: readonly { readonly mesh: MeshSettings; readonly holds: string }[] = [
  { mesh: { dnsCapture: true }, holds: 'sidecars do not answer DNS (dnsCapture)' },
  { mesh: { dualStack: true }, holds: 'pods have addresses of IPv4 only (dualStack)' },
  { mesh: { pathNormalization: 'DECODE_AND_MERGE_SLASHES' }, holds: 'proxies do not decode paths (pathNormalization)' },
  { mesh: { pathNormalization: 'MERGE_SLASHES' }, holds: 'proxies do not merge slashes (pathNormalization)' },
  { mesh: { pathNormalization: 'NONE' }, holds: 'proxies normalise paths (pathNormalization)' },
];

/**
 * Whether it is certain that a request arrives at no gateway. An answer does not say whether one redirected it, or
 * whether a copy arrives at one.
 */
function passesNoGateway(answer: Answer): boolean {
  return [answer, ...answer.alternatives.map((one) => one.answer)].every(
    ({ outcome, gateway, redirects, remarks }) =>
      outcome !== 'undetermined' &&
      gateway === undefined &&
      redirects === undefined &&
      remarks.every(({ code }) => code !== 'mirrored'),
  );
}

/** Whether a redirect was followed, perhaps. */
function isRedirected({ redirects, alternatives }: Answer): boolean {
  return redirects !== undefined || alternatives.some(({ answer }) => answer.redirects !== undefined);
}

/** Whether both are refused at the same place, and only look different to the caller. */
function isRefusedAlike(a: Answer, b: Answer): boolean {
  const where = ({ outcome, by, gateway, plaintextToHost }: Answer) => [outcome, by, gateway, plaintextToHost].join();
  return a.outcome === 'refused' && where(a) === where(b);
}

function inShort(answer: Answer): string {
  const { outcome, reason, symptom = 'no answer' } = answer;
  return outcome === 'refused' ? `it is refused${byWhom(answer)} (${symptom}): ${reason}` : reason;
}
