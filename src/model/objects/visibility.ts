import { NamespaceLabels } from './namespace-labels';
import { both, Certainty } from '../answer/certainty';
import { ServiceEntryVisibility, Visibility } from '../../access/access-table';
import { EgressObject } from '../../manifests/egress-object';

/** What `serviceEntryVisibility` of the mesh configuration makes of the ServiceEntries of each namespace. */
export class EntryVisibility {
  private readonly labels: NamespaceLabels;
  private readonly settings?: ServiceEntryVisibility;

  constructor(objects: readonly EgressObject[], settings?: ServiceEntryVisibility) {
    this.settings = settings?.applyToSidecars ? settings : undefined;
    this.labels = new NamespaceLabels(this.settings ? objects : []);
  }

  /** Where the entries of a namespace are visible that say that they are exported there. */
  public exportTo(namespace: string, said: readonly string[]): readonly string[] {
    if (this.settings === undefined) return said;
    const policy = this.policies(namespace).find(({ selected }) => selected);
    switch (policy ? policy.visibility : this.settings.defaultVisibility) {
      case 'NAMESPACE':
        return said.includes('*') || said.includes(namespace) ? [namespace] : ['~'];
      case 'NONE':
        return ['~'];
      default:
        return said;
    }
  }

  /** The visibility that a namespace could have as well, by policies that ask for labels which nobody knows. */
  public possible(namespace: string): Visibility[] {
    const policies = this.policies(namespace);
    const decides = policies.findIndex(({ selected }) => selected);
    return (decides < 0 ? policies : policies.slice(0, decides))
      .filter(({ selected }) => selected === undefined)
      .map(({ visibility }) => visibility);
  }

  private policies(namespace: string): { selected: Certainty; visibility: Visibility }[] {
    return (this.settings?.policies ?? []).map(({ visibility = 'PUBLIC', matchingRules = [] }) => {
      // A rule without a matcher matches nothing, a policy without rules everything.
      const results = matchingRules.map(({ namespaceSelector }) =>
        namespaceSelector ? this.labels.match(namespace, namespaceSelector) : false,
      );
      const selected = results.reduce<Certainty>(both, true);
      return { selected, visibility };
    });
  }
}

/** The same settings, where one namespace has this visibility. */
export function withVisibility(
  settings: ServiceEntryVisibility,
  namespace: string,
  visibility: Visibility,
): ServiceEntryVisibility {
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  return {
    ...settings,
    policies: [{ visibility, matchingRules: [{ namespaceSelector }] }, ...(settings.policies ?? [])],
  };
}
