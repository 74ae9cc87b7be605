/** `cdk8s-istio-egress/explain`: what happens to a request, for tests and tools. Nothing here loads YAML. */
export { EgressExpectation, EgressFrom, EgressTo, expectEgress, type ExpectationWorld } from './expect-egress';
export { smallestChange, type Change, type Wanted } from './changes';
export { judgeTable, type JudgedRow } from './judge-table';
export { asText } from './text';
export { asMermaid, type Explained } from './mermaid';
export {
  EgressModel,
  worldOf,
  type Answer,
  type FieldRef,
  type EgressObject,
  type ModelCaller,
  type ModelRequest,
  type Remark,
  type Step,
  type World,
} from '../model';
