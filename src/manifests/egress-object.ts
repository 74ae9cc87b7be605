/** An object that will be applied, and where it came from. */
export interface EgressObject {
  readonly manifest: Manifest;
  /** A construct path, or a file with the number of the document. Read only for findings and answers. */
  readonly origin: string;
  /** Whether it was made with the generated types, so that no field has to be looked up. @default false */
  readonly isTyped?: boolean;
}

/** A plain object as Kubernetes takes it. What it holds beside depends on its kind, so whoever reads that says it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly creationTimestamp?: string | Date;
  };
  readonly spec?: unknown;
  /** Of a ConfigMap or Secret. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly stringData?: Readonly<Record<string, unknown>>;
}
