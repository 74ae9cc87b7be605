/** An object that will be applied, and where it came from. */
export interface EgressObject {
  /** The plain object: apiVersion, kind, metadata, spec. */
  readonly manifest: any;
  /** A construct path, or a file with the number of the document. Read only for findings and answers. */
  readonly origin: string;
}
