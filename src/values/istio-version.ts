/** The construct context key under which an app says once which Istio it is for. */
export const ISTIO_VERSION_CONTEXT = 'istioVersion';

/** The oldest minor release that the constructs are for, and the newest that the mesh lab has proven them on. */
const OLDEST = 29;
const NEWEST = 31;

interface Feature {
  /** The first minor release of Istio 1 that has it. */
  readonly since: number;
  /** What it is called in errors. */
  readonly title: string;
  /** Where Istio's people say so. */
  readonly thread: string;
}

/** What not every supported release can do. */
export const ISTIO_FEATURES = {
  /**
   * Hosts that are resolved when they are asked for, at sidecars; 1.28 and 1.29 know the value and do it at waypoints
   * only.
   */
  wildcardsAtSidecar: {
    since: 30,
    title: 'wildcard hosts at the sidecar (DYNAMIC_DNS)',
    thread: 'https://github.com/istio/istio/issues/58244',
  },
} satisfies Record<string, Feature>;

/**
 * A minor release of Istio, such as `1.30`. Decides what the constructs may use; what they emit otherwise does not
 * depend on it.
 */
export class IstioVersion {
  /** The newest release that the constructs are proven on. */
  public static newest(): IstioVersion {
    return new IstioVersion(NEWEST);
  }

  /** Reads `1.30` or `1.30.3`. A release newer than the proven one is taken for one that can do all of it. */
  public static parse(text: unknown): IstioVersion {
    const match = /^v?1\.(\d{1,3})(\.\d+)?$/.exec(typeof text === 'string' ? text : '');
    if (!match)
      throw new Error(`${JSON.stringify(text)} is no version of Istio: write its minor release, such as "1.${NEWEST}"`);
    const minor = Number(match[1]);
    if (minor < OLDEST)
      throw new Error(
        `"${text}" is older than 1.${OLDEST}, the oldest that these objects are for; Istio no longer maintains it`,
      );
    return new IstioVersion(minor);
  }

  private constructor(private readonly minor: number) {}

  /** Refuses a feature that this release does not have. */
  public require(feature: keyof typeof ISTIO_FEATURES): void {
    const { since, title, thread } = ISTIO_FEATURES[feature];
    if (this.minor < since)
      throw new Error(`Istio 1.${this.minor} cannot do ${title}; 1.${since} and later can, see ${thread}`);
  }
}
