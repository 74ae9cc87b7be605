import { App } from 'cdk8s';
import { build, forAll, serialised, TeamPlan } from './plans';

const bytes = (plans: TeamPlan[]) => serialised(build(plans));

const known = new Map<string, string[]>();
/** The bytes of plans that the properties share. */
function usualBytes(plans: TeamPlan[]): string[] {
  const key = JSON.stringify(plans);
  if (!known.has(key)) known.set(key, bytes(plans));
  return known.get(key)!;
}

test('the same program gives the same bytes', () => {
  forAll((plans) => {
    expect(bytes(plans)).toEqual(usualBytes(plans));
  });
});

test('validating or serialising an app while it grows does not change the result', () => {
  const validate = (app: App) => app.node.findAll().forEach((construct) => construct.node.validate());
  const serialise = (app: App) => app.charts.forEach((chart) => chart.toJson());
  forAll((plans) => {
    const uninspected = usualBytes(plans);
    for (const inspect of [validate, serialise]) expect(serialised(build(plans, { inspect }))).toEqual(uninspected);
  });
});

test('the order in which callers are named does not matter', () => {
  forAll((plans) => {
    const reversed = plans.map((plan) => ({
      ...plan,
      egresses: plan.egresses.map((egress) => ({ ...egress, callers: [...egress.callers].reverse() })),
    }));
    expect(bytes(reversed)).toEqual(usualBytes(plans));
  });
});

test('the order in which ports are given does not matter', () => {
  forAll((plans) => {
    const reversed = plans.map((plan) => ({
      ...plan,
      egresses: plan.egresses.map((egress) => ({ ...egress, ports: [...egress.ports].reverse() })),
    }));
    expect(bytes(reversed)).toEqual(usualBytes(plans));
  });
});
