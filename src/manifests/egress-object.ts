/** An object that will be applied, and where it came from. */
export interface EgressObject {
  /** The plain object: apiVersion, kind, metadata, spec. */
  readonly manifest: any;
  /** A construct path, or a file with the number of the document. Asked for only when there is a finding. */
  readonly origin: string;
}
