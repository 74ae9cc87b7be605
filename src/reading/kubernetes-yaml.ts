import { CollectionTag, DocumentOptions, ParseOptions, ScalarTag, SchemaOptions, Tags } from 'yaml';

/** Those of YAML 1.1 that kubectl and istiod read as text. */
const AS_TEXT = /^TIME$|:(timestamp|binary)$/;

/**
 * YAML as kubectl, Helm and istiod read it: in version 1.1, in which `yes` is true, `0443` is octal, and `<<` merges
 * mappings.
 */
export const KUBERNETES_YAML: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  logLevel: 'error',
  customTags: (tags: Tags) => tags.filter((tag) => typeof tag === 'string' || !isText(tag)),
};

function isText(tag: CollectionTag | ScalarTag): boolean {
  return AS_TEXT.test(tag.tag) || AS_TEXT.test(String((tag as ScalarTag).format));
}
