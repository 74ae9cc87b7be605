import { shown } from './shown';
import { minorOf } from '../istio/release-lines';

/** The key of the construct context under which an app states its release of Istio once. */
export const ISTIO_VERSION_CONTEXT = 'istioVersion';

/** The oldest minor release that the constructs support, and the newest that the mesh lab has proven them on. */
const OLDEST = 29;
const NEWEST = 31;

interface Feature {
  /** The first minor release of Istio 1 that has it. */
  readonly since: number;
  /** Its name in errors. */
  readonly title: string;
  /** Where Istio's maintainers say so. */
  readonly thread: string;
}

/** Features that not every supported release has. */
export const ISTIO_FEATURES = {
  /**
   * Hosts that sidecars resolve at the time of the request. 1.28 and 1.29 accept the value, but only waypoints follow
   * it.
   */
  wildcardsAtSidecar: {
    since: 30,
    title: 'wildcard hosts at the sidecar (DYNAMIC_DNS)',
    thread: 'https://github.com/istio/istio/issues/58244',
  },
  /** Telemetry `tracing[].disableContextPropagation`. The API server refuses the field where it is not known. */
  traceContextAlone: {
    since: 30,
    title: 'spans without a trace context (disableContextPropagation)',
    thread: 'https://istio.io/latest/docs/reference/config/telemetry/#Tracing',
  },
  /** MeshConfig `serviceEntryVisibility`, which sidecars follow where `applyToSidecars` says so. */
  entryVisibility: {
    since: 31,
    title: 'ServiceEntries that are private to their namespace whatever they say (serviceEntryVisibility)',
    thread: 'https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/',
  },
} satisfies Record<string, Feature>;

/**
 * A minor release of Istio, such as `1.30`. It only decides which features may be used; everything else that the
 * constructs emit is the same for all releases.
 */
export class IstioVersion {
  /** The newest release on which the constructs are proven. */
  public static newest(): IstioVersion {
    return new IstioVersion(NEWEST);
  }

  /** Reads `1.30` or `1.30.3`. A release newer than the newest proven one counts as having every feature. */
  public static parse(text: unknown): IstioVersion {
    const minor = minorOf(typeof text === 'string' ? text : '');
    if (minor === undefined)
      throw new Error(`${shown(text)} is not a release of Istio; write one such as "1.${NEWEST}"`);
    if (minor < OLDEST)
      throw new Error(
        `"${text}" is older than 1.${OLDEST}, the oldest supported release; upgrade Istio, which no longer ` +
          'maintains it',
      );
    return new IstioVersion(minor);
  }

  private constructor(private readonly minor: number) {}

  /** Whether this release has a feature. */
  public has(feature: keyof typeof ISTIO_FEATURES): boolean {
    return this.minor >= ISTIO_FEATURES[feature].since;
  }

  /** Refuses a feature that this release does not have. */
  public require(feature: keyof typeof ISTIO_FEATURES): void {
    const { since, title, thread } = ISTIO_FEATURES[feature];
    if (!this.has(feature))
      throw new Error(`Istio 1.${this.minor} cannot do ${title}; 1.${since} and later can, see ${thread}`);
  }
}
